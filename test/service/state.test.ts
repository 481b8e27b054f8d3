import assert from 'node:assert/strict'
import { int64, json, keyValueStore, stream, string, table, topic, topology } from 'revlog'
import { run, type ServiceEvent } from 'revlog/service'
import { openEnvironment } from '../../lib/state/lmdb/environment.js'
import { inDirectory, tableOf, withCode } from './support.js'

const orders = topic('orders', { key: string(), value: json<number>() })
const sums = topic('sums', { key: string(), value: int64() })
const lasts = topic('lasts', { key: string(), value: json<number>() })

const summed = stream(orders)
  .groupByKey()
  .aggregate({ name: 'sum', init: () => 0, add: (a, b) => a + b, value: int64() })
const shop = topology('shop', [
  summed.toStream().to(sums),
  stream(orders)
    .groupByKey()
    .reduce((_, n) => n, { name: 'last' })
    .toStream()
    .to(lasts),
])

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    key: `k${(from + i) % 50}`,
    value: from + i,
    timestamp: from + i,
  }))

const DATABASES = ['shop/sum/0#meta', 'shop/sum/0/sum', 'shop/sum/0/last']

/** Every row of the state, as text; and with `wipe` nothing of it after that. */
async function stateOf(directory: string, wipe: boolean): Promise<string> {
  const environment = openEnvironment(directory, { durability: 'durable', maxDatabases: 4_096 })
  const lines = DATABASES.flatMap((name) => {
    const rows = environment.database(name).scan({ limit: 1e6 })
    return rows.map(
      ({ key, value }) => `${name} ${Buffer.from(key, 'latin1').toString('hex')} ${value.toString('hex')}`,
    )
  })
  environment.transaction(() => {
    for (const name of wipe ? DATABASES : []) environment.database(name).clear()
  })
  await environment.close()
  return lines.join('\n')
}

describe('the state of a service', () => {
  it('comes back from the changelog byte for byte when it is lost, compacted or not', () =>
    inDirectory(async (directory) => {
      let service = await run(shop, { directory })
      for (let i = 0; i < 5; i++) {
        await service.produce(orders, numbers(i * 1_000, (i + 1) * 1_000))
        await service.caughtUp()
      }
      await service.produce(orders, [{ key: 'k7', timestamp: 9 }])
      await service.stop()
      const before = await stateOf(directory, true)
      assert.ok(before.split('\n').length > 100)

      const events: ServiceEvent[] = []
      service = await run(shop, { directory, onEvent: (event) => events.push(event) })
      assert.deepEqual([...new Set(events.map((event) => event.kind))], ['restoring', 'restored', 'running'])
      assert.equal(service.lag(), 0)
      await service.stop()
      assert.equal(await stateOf(directory, false), before)

      service = await run(shop, { directory, onEvent: (event) => events.push(event) })
      await service.produce(orders, [{ key: 'k8', value: 1_000_000 }])
      await service.caughtUp()
      assert.deepEqual(new Map(await tableOf(service, lasts)).get('k8'), 1_000_000)
      await service.stop()
    }))

  it('is not read by a topology that keeps other things in it', () =>
    inDirectory(async (directory) => {
      const first = await run(shop, { directory })
      await first.produce(orders, numbers(0, 10))
      await first.stop()
      const grouped = stream(orders).groupByKey()
      const renamed = topology('shop', [
        grouped
          .aggregate({ name: 'total', init: () => 0, add: (a, b) => a + b, value: int64() })
          .toStream()
          .to(sums),
        grouped
          .reduce((_, n) => n, { name: 'last' })
          .toStream()
          .to(lasts),
      ])
      await assert.rejects(
        run(renamed, { directory }),
        withCode('E_INCOMPATIBLE_TOPOLOGY', 'store total is new', 'store sum is gone'),
      )
      const otherSerde = topology('shop', [
        grouped
          .aggregate({ name: 'sum', init: () => 0, add: (a, b) => a + b, value: json<number>() })
          .toStream()
          .to(sums),
        grouped
          .reduce((_, n) => n, { name: 'last' })
          .toStream()
          .to(lasts),
      ])
      await assert.rejects(run(otherSerde, { directory }), withCode('E_STORE_INCOMPATIBLE', 'store sum'))
      const fewer = topology('shop', [summed.toStream().to(sums)])
      await assert.rejects(
        run(fewer, { directory }),
        withCode('E_INCOMPATIBLE_TOPOLOGY', 'store last is gone'),
      )
      const stateless = topology('shop', [stream(orders).to(lasts)])
      await assert.rejects(run(stateless, { directory }), withCode('E_INCOMPATIBLE_TOPOLOGY'))
      // What failed to start has changed nothing and holds nothing.
      const again = await run(shop, { directory })
      assert.deepEqual((await tableOf(again, sums)).length, 10)
      await again.stop()
    }))

  it('does not mind stateless steps, new topics and other applications', () =>
    inDirectory(async (directory) => {
      const first = await run(shop, { directory })
      await first.produce(orders, numbers(0, 10))
      await first.caughtUp()
      await first.stop()
      const more = topic('more', { key: string(), value: json<number>() })
      const extended = topology('shop', [
        stream(more).to(lasts),
        stream(orders)
          .filter((n) => n >= 0)
          .groupByKey()
          .aggregate({ name: 'sum', init: () => 0, add: (a, b) => a + b, value: int64() })
          .toStream()
          .to(sums),
        stream(orders)
          .groupByKey()
          .reduce((_, n) => n, { name: 'last' })
          .toStream()
          .to(lasts),
      ])
      const second = await run(extended, { directory })
      await second.produce(orders, numbers(10, 60))
      await second.caughtUp()
      assert.equal(new Map(await tableOf(second, sums)).get('k0'), 50)
      await second.stop()
      const other = await run(topology('other', [table(sums, { name: 'sum' }).toStream().to(lasts)]), {
        directory,
      })
      await other.caughtUp()
      await other.stop()
    }))

  it('is refused when the number of partitions is another', () =>
    inDirectory(async (directory) => {
      const first = await run(shop, { directory })
      await first.stop()
      const b = topic('b', { key: string(), value: json<number>() })
      const merges = topic('merges', { key: string(), value: json<number>() })
      const merged = topology('shop', [
        stream(orders).merge(stream(b)).to(merges),
        stream(orders)
          .groupByKey()
          .aggregate({ name: 'sum', init: () => 0, add: (x, y) => x + y, value: int64() })
          .toStream()
          .to(sums),
        stream(orders)
          .groupByKey()
          .reduce((_, n) => n, { name: 'last' })
          .toStream()
          .to(lasts),
      ])
      await assert.rejects(
        run(merged, { directory, partitions: { b: 3 } }),
        withCode('E_PARTITION_COUNT_CHANGED', '1 partitions', 'now have 3'),
      )
    }))

  it('may be any store that a user names', () =>
    inDirectory(async (directory) => {
      const seen = keyValueStore<string, number>('seen', { key: string(), value: int64() })
      const app = topology('app', [
        stream(orders)
          .processValues<number, { readonly seen: typeof seen }>({
            name: 'counting',
            stores: { seen },
            value: int64(),
            create: ({ emit, stores }) => ({
              process: (record) => {
                const n = (stores.seen.get(record.key) ?? 0) + 1
                stores.seen.put(record.key, n)
                emit({ ...record, value: n })
              },
            }),
          })
          .to(sums),
      ])
      for (const total of [2, 4, 6]) {
        const service = await run(app, { directory })
        await service.produce(orders, numbers(0, 100))
        await service.caughtUp()
        assert.ok((await tableOf(service, sums)).every(([, n]) => n === total))
        await service.stop()
      }
    }))
})
