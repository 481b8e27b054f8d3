import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createSocketBroker } from '../../lib/brokers/embedded/client.js'
import { openDirectory } from '../../lib/brokers/embedded/directory.js'
import { connectDirectory, openBroker } from '../../lib/brokers/embedded/open.js'
import type { Broker } from '../../lib/brokers/port.js'
import { describeBroker } from './broker-contract.js'
import { type Child, record, startChild, temporaryDirectories } from './support.js'

const directories = temporaryDirectories()
afterEach(() => directories.remove())

describeBroker('the embedded broker in its own process', async () => {
  const directory = await openDirectory(directories.make())
  return { broker: directory.broker, close: directory.close }
})

describeBroker('the embedded broker through the socket of its directory', async () => {
  const path = directories.make()
  const directory = await openDirectory(path)
  const broker = await connectDirectory(path)
  const close = async (): Promise<void> => {
    await broker.close()
    await directory.close()
  }
  return { broker, close }
})

describeBroker('the embedded broker in another process', async () => {
  const path = directories.make()
  const child = await holding(path)
  const broker = await connectDirectory(path)
  const close = async (): Promise<void> => {
    await broker.close()
    await child.kill()
  }
  return { broker, close }
})

async function holding(path: string): Promise<Child> {
  const child = startChild('hold', path)
  assert.equal(await child.line(), 'held')
  return child
}

describe('a broker in another process', () => {
  it('that dies is an error of every call, not a call that never ends', async () => {
    const path = directories.make()
    const child = await holding(path)
    const broker = await connectDirectory(path)
    await broker.createTopic({ name: 't', partitions: 1, config: { cleanupPolicy: 'delete' } })
    const waiting = broker.waitForData([{ topic: 't', partition: 0, offset: 0 }], 60_000)
    await Promise.all([assert.rejects(waiting, { code: 'E_BROKER_GONE' }), child.kill()])
    await assert.rejects(broker.listTopics(), { code: 'E_BROKER_GONE' })
    await assert.rejects(broker.produce([record('t')]), { code: 'E_BROKER_GONE' })
    const next = await openBroker(path)
    assert.deepEqual(await next.endOffsets('t'), [0])
    await next.close()
  })

  it('is not hindered by clients that send nonsense, hang up or do not read', async () => {
    const path = directories.make()
    const directory = await openDirectory(path)
    const { connectToHolder } = await import('../../lib/brokers/embedded/lock.js')
    const nonsense = (await connectToHolder(path))!
    nonsense.write(Buffer.alloc(1_000, 0xff))
    await new Promise((resolve) => nonsense.resume().once('close', resolve))

    const { broker } = directory
    await broker.createTopic({ name: 't', partitions: 1, config: { cleanupPolicy: 'delete' } })
    const value = Buffer.alloc(100_000)
    await broker.produce(Array.from({ length: 200 }, () => record('t', { value })))
    const deaf = (await connectToHolder(path))!
    const { encodeFrame, FRAME } = await import('../../lib/brokers/embedded/frames.js')
    const request = { topic: 't', partition: 0, offset: 0, maxBytes: 4 << 20 }
    for (let id = 1; id <= 200; id++) {
      for (const part of encodeFrame(FRAME.request, id, { call: 'fetch', request })) deaf.write(part)
    }
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 20; i++) await broker.produce([record('t', { value: Buffer.from(`${i}`) })])
    const grown = process.memoryUsage().arrayBuffers - before
    assert.ok(grown < 64 << 20, `200 unread answers of 4 MB hold ${grown} bytes`)
    assert.deepEqual(await broker.endOffsets('t'), [220])
    deaf.destroy()
    await directory.close()
  })

  it('of another version of the protocol is refused by the client', async () => {
    const path = join(directories.make(), 's')
    const { encodeFrame, FRAME } = await import('../../lib/brokers/embedded/frames.js')
    const server = createServer((socket) => {
      for (const part of encodeFrame(FRAME.hello, 0, { protocol: 99, pid: 1 })) socket.write(part)
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const { connect } = await import('node:net')
    await assert.rejects(createSocketBroker(connect(path)), { code: 'E_PROTOCOL_VERSION' })
    server.close()
  })

  it('keeps what a client produced in order, also when many calls are under way', async () => {
    const path = directories.make()
    const directory = await openDirectory(path)
    const broker: Broker = await openBroker(path)
    await broker.createTopic({ name: 't', partitions: 1, config: { cleanupPolicy: 'delete' } })
    const calls = Array.from({ length: 30 }, (_, call) =>
      broker.produce(
        Array.from({ length: 1_000 }, (_, i) => record('t', { value: Buffer.from(`${call * 1_000 + i}`) })),
      ),
    )
    await Promise.all(calls)
    let next = 0
    while (next < 30_000) {
      const { records, nextOffset } = await broker.fetch({ topic: 't', partition: 0, offset: next })
      for (const { value, offset } of records) assert.equal(value?.toString(), `${offset}`)
      next = nextOffset
    }
    await broker.close()
    await directory.close()
  })
})
