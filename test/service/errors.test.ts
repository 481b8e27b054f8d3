import assert from 'node:assert/strict'
import { int64, json, RevlogError, stream, string, topic, topology } from 'revlog'
import { run } from 'revlog/service'
import { inDirectory, tableOf, withCode } from './support.js'

interface Order {
  readonly amount: number
  readonly at: number
}

const orders = topic('orders', { key: string(), value: json<Order>(), timestamp: (o) => o.at })
const sums = topic('sums', { key: string(), value: int64() })
const dead = topic('dead', { key: string(), value: string() })

const shop = topology('shop', [
  stream(orders)
    .mapValues(
      (o) => {
        if (o.amount < 0) throw new Error('a negative amount')
        return o.amount
      },
      { name: 'amounts', value: int64() },
    )
    .groupByKey()
    .reduce((a, b) => a + b, { name: 'sum' })
    .toStream()
    .to(sums),
])

const good = (amount: number) => ({ key: 'a', value: { amount, at: 1 } })
const raw = (value: string) => ({
  topic: 'orders',
  partition: 0,
  key: Buffer.from('a'),
  value: Buffer.from(value),
  timestamp: 5,
  headers: [],
})

describe('bad records in a service', () => {
  it('stop it by default, with every coordinate, and everything before them is kept', () =>
    inDirectory(async (directory) => {
      const service = await run(shop, { directory })
      await service.produce(orders, [good(1), good(2)])
      await service.caughtUp()
      await service.produce(orders, [good(3), good(-1), good(4)])
      await assert.rejects(service.finished, (error: unknown) => {
        assert.ok(error instanceof RevlogError)
        assert.equal(error.code, 'E_PROCESSING')
        assert.equal(error.problem, 'a negative amount')
        assert.deepEqual(error.at, {
          task: '0_0',
          operator: 'amounts',
          topic: 'orders',
          partition: 0,
          offset: 3,
        })
        return true
      })
      await assert.rejects(service.stop(), withCode('E_PROCESSING'))
      await assert.rejects(service.caughtUp(), withCode('E_PROCESSING'))

      // Mended, it goes on from the last commit, and the record before the bad one counts once.
      const again = await run(shop, { directory, onError: { processing: 'skip' } })
      await again.caughtUp()
      assert.deepEqual(await tableOf(again, sums), [['a', 10]])
      assert.equal(again.metrics().tasks.get('0_0')?.counters.get('dropped-records.processing-error'), 1)
      await again.stop()
    }))

  it('go to the dead-letter topic with their cause, byte for byte', () =>
    inDirectory(async (directory) => {
      const service = await run(shop, {
        directory,
        onError: {
          deserialization: 'dead-letter',
          processing: 'dead-letter',
          timestamp: 'dead-letter',
          deadLetterTopic: 'dead',
        },
      })
      await service.produce(orders, [good(1)])
      await service.broker.produce([
        raw('{not json'),
        raw('{"amount":1,"at":-1}'),
        raw('{"amount":-1,"at":1}'),
      ])
      await service.produce(orders, [good(2)])
      await service.caughtUp()
      assert.deepEqual(await tableOf(service, sums), [['a', 3]])
      const letters: string[] = []
      for await (const { value, headers, offset } of service.subscribe(dead)) {
        const header = (name: string) => headers.find((h) => h.key === name)?.value?.toString()
        const cause = ['reason', 'code', 'task', 'operator', 'topic', 'partition', 'offset'].map((name) =>
          header(`revlog-error-${name}`),
        )
        letters.push([value, ...cause].join(' '))
        if (offset === 2) break
      }
      assert.deepEqual(letters, [
        '{not json deserialization-error E_DESERIALIZATION 0_0  orders 0 1',
        '{"amount":1,"at":-1} invalid-timestamp E_TIMESTAMP 0_0  orders 0 2',
        '{"amount":-1,"at":1} processing-error E_PROCESSING 0_0 amounts orders 0 3',
      ])
      await service.stop()
    }))

  it('are passed although nothing good comes after them', () =>
    inDirectory(async (directory) => {
      const onError = { deserialization: 'skip' } as const
      const service = await run(shop, { directory, onError })
      await service.broker.produce([raw('x'), raw('y')])
      await service.caughtUp()
      await service.stop()
      // Were their position not committed, this would meet them again and fail.
      const strict = await run(shop, { directory })
      await strict.produce(orders, [good(7)])
      await strict.caughtUp()
      assert.deepEqual(await tableOf(strict, sums), [['a', 7]])
      await strict.stop()
    }))

  it('that no reader can decode say where they are', () =>
    inDirectory(async (directory) => {
      const service = await run(shop, { directory, onError: { deserialization: 'skip' } })
      await service.broker.produce([raw('x')])
      await assert.rejects(
        tableOf(service, orders),
        withCode('E_DESERIALIZATION', 'topic orders', 'offset 0'),
      )
      await service.stop()
    }))
})
