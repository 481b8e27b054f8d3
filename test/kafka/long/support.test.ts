import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../ports.js'
import { type KafkaProxy, openProxy } from '../proxy.js'
import { describeOwnKafka } from '../suite.js'
import { API, array, ask, int8, int16, int32, string } from '../wire.js'

const NOTHING = Buffer.alloc(0)

describeOwnKafka('a broker for tests', { proxies: 1 }, (kafka) => {
  const createTopic = async (address: string, name: string): Promise<number> => {
    const topic = Buffer.concat([string(name), int32(1), int16(1), array([]), array([])])
    const body = Buffer.concat([array([topic]), int32(5_000), int8(0)])
    const response = await ask(address, API.createTopics, 2, body)
    // Throttle time, one topic, its name, its error.
    return response.readInt16BE(8 + 2 + Buffer.byteLength(name))
  }
  const TOPIC_ALREADY_EXISTS = 36

  it('keeps its topics over an orderly restart and over a crash', async () => {
    const name = kafka().name('t')
    assert.equal(await createTopic(kafka().address, name), 0)
    await kafka().restart()
    assert.equal(await createTopic(kafka().address, name), TOPIC_ALREADY_EXISTS)
    await kafka().kill9()
    await assert.rejects(ask(kafka().address, API.apiVersions, 0, NOTHING))
    await kafka().start()
    assert.equal(await createTopic(kafka().address, name), TOPIC_ALREADY_EXISTS)
  })

  it('does not answer while it is frozen', async () => {
    await kafka().freeze()
    const asked = ask(kafka().address, API.apiVersions, 0, NOTHING, 300)
    await assert.rejects(asked, /does not answer/).finally(kafka().thaw)
    await ask(kafka().address, API.apiVersions, 0, NOTHING)
  })

  it('ends, and its data with it, when the process that has started it is killed', async () => {
    const program = fileURLToPath(new URL('../start.js', import.meta.url))
    const [port] = await freePorts(1)
    const child = spawn(process.execPath, [program, String(port), kafka().version], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const [, address = '', folder = ''] = /listens on (\S+);.* removes (\S+)/.exec(line.toString())!
    await ask(address, API.apiVersions, 0, NOTHING)
    child.kill('SIGKILL')
    await once(child, 'exit')
    while (existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 100))
    await assert.rejects(ask(address, API.apiVersions, 0, NOTHING))
    assert.doesNotMatch(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }), new RegExp(folder))
  })

  describe('behind a proxy', () => {
    let proxy: KafkaProxy
    beforeEach(async () => {
      proxy = await openProxy(kafka().proxied[0]!)
    })
    afterEach(() => proxy.close())

    it('tells its clients to come to the proxy', async () => {
      const metadata = await ask(proxy.address, API.metadata, 1, array([]))
      // One broker: its id, its host, its port.
      const length = metadata.readInt16BE(8)
      const host = metadata.toString('utf8', 10, 10 + length)
      assert.equal(`${host}:${metadata.readInt32BE(10 + length)}`, proxy.address)
      assert.equal(proxy.requests(API.metadata), 1)
    })

    it('loses a request before it is done, or its answer after it', async () => {
      for (const [fault, found] of [
        ['lose request', 0],
        ['lose response', TOPIC_ALREADY_EXISTS],
      ] as const) {
        const name = kafka().name('t')
        const done = proxy.inject(API.createTopics, fault)
        await assert.rejects(createTopic(proxy.address, name), /has closed the connection/)
        assert.equal((await done).clientId, 'revlog-test')
        assert.equal(await createTopic(kafka().address, name), found)
      }
    })

    it('swallows an answer, or brings it late', async () => {
      void proxy.inject(API.apiVersions, 'swallow response')
      await assert.rejects(ask(proxy.address, API.apiVersions, 0, NOTHING, 300), /does not answer/)
      void proxy.inject(API.apiVersions, 300)
      const started = Date.now()
      await ask(proxy.address, API.apiVersions, 0, NOTHING)
      assert.ok(Date.now() - started >= 299)
    })

    it('cuts connections, freezes them, and refuses new ones', async () => {
      void proxy.inject(API.apiVersions, 'swallow response')
      const hanging = ask(proxy.address, API.apiVersions, 0, NOTHING)
      while (proxy.requests(API.apiVersions) === 0) await new Promise(setImmediate)
      assert.equal(proxy.connections(), 1)
      proxy.cut()
      await assert.rejects(hanging, /has closed the connection/)

      proxy.freeze()
      await assert.rejects(ask(proxy.address, API.apiVersions, 0, NOTHING, 300), /does not answer/)
      const late = ask(proxy.address, API.apiVersions, 0, NOTHING)
      proxy.thaw()
      await late

      await proxy.down()
      await assert.rejects(ask(proxy.address, API.apiVersions, 0, NOTHING), /ECONNREFUSED/)
      await proxy.up()
      await ask(proxy.address, API.apiVersions, 0, NOTHING)
    })
  })
})
