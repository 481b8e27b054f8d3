import assert from 'node:assert/strict'
import { int64, json, milliseconds, seconds, stream, string, table, topic, topology } from 'revlog'
import { run, type ServiceEvent } from 'revlog/service'
import { openDirectory } from '../../lib/brokers/embedded/directory.js'
import { inDirectory, tableOf, withCode } from './support.js'

interface Order {
  readonly what: string
  readonly amount: number
}

const orders = topic('orders', { key: string(), value: json<Order>() })
const counts = topic('counts', { key: string(), value: int64() })
const amounts = topic('amounts', { key: string(), value: int64() })

/** Orders counted by customer, and their amounts summed by what was ordered: through a repartition topic. */
const shop = topology('shop', [
  stream(orders).groupByKey().count({ name: 'orders-of-customer' }).toStream().to(counts),
  stream(orders)
    .groupBy((order) => order.what, { name: 'by-what', key: string() })
    .aggregate({ name: 'amount', init: () => 0, add: (sum, o) => sum + o.amount, value: int64() })
    .toStream()
    .to(amounts),
])

const order = (i: number) => ({
  key: `c${i % 3}`,
  value: { what: `w${i % 2}`, amount: i },
  timestamp: 1_000 + i,
})
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('a service on the embedded broker', () => {
  it('answers what is produced, through a repartition topic, and goes on after a restart', () =>
    inDirectory(async (directory) => {
      const first = await run(shop, { directory })
      await first.produce(orders, range(0, 6).map(order))
      await first.caughtUp()
      assert.deepEqual(await tableOf(first, counts), [
        ['c0', 2],
        ['c1', 2],
        ['c2', 2],
      ])
      assert.deepEqual(await tableOf(first, amounts), [
        ['w0', 6],
        ['w1', 9],
      ])
      assert.equal(first.lag(), 0)
      await first.stop()

      const second = await run(shop, { directory })
      await second.produce(orders, range(6, 9).map(order))
      await second.caughtUp()
      assert.deepEqual(await tableOf(second, counts), [
        ['c0', 3],
        ['c1', 3],
        ['c2', 3],
      ])
      assert.deepEqual(await tableOf(second, amounts), [
        ['w0', 20],
        ['w1', 16],
      ])
      await second.stop()
      await second.finished
      assert.equal(second.lag(), 0)
      await assert.rejects(tableOf(second, counts), withCode('E_BROKER_CLOSED'))
    }))

  it('has answered what it acknowledges, when it was idle: both are written in one transaction', () =>
    inDirectory(async (directory) => {
      const service = await run(shop, { directory })
      await service.caughtUp()
      for (let i = 0; i < 3; i++) {
        await service.produce(orders, [order(i)])
        assert.deepEqual(await service.broker.endOffsets('counts'), [i + 1])
        await service.caughtUp()
      }
      await service.stop()
    }))

  it('makes the topics that it needs: tables and changelogs compacted, partitions as told', () =>
    inDirectory(async (directory) => {
      const service = await run(shop, { directory, partitions: { orders: 3 } })
      const topics = (await service.broker.listTopics()).map(
        ({ name, partitions, config }) => `${name} ${partitions} ${config.cleanupPolicy}`,
      )
      assert.deepEqual(topics, [
        'amounts 1 compact',
        'counts 1 compact',
        'orders 3 delete',
        'shop-amount-changelog 3 compact',
        'shop-by-what-repartition 3 delete',
        'shop-orders-of-customer-changelog 3 compact',
      ])
      await service.stop()
    }))

  it('keeps every partition apart and counts across all of them', () =>
    inDirectory(async (directory) => {
      const service = await run(shop, { directory, partitions: 4 })
      const many = range(0, 5_000).map((i) => ({ ...order(i), key: `c${i % 100}` }))
      await service.produce(orders, many)
      await service.caughtUp()
      const rows = await tableOf(service, counts)
      assert.equal(rows.length, 100)
      assert.ok(rows.every(([, n]) => n === 50))
      await service.stop()
    }))

  it('shows the records of a topic as they come', () =>
    inDirectory(async (directory) => {
      const service = await run(shop, { directory })
      const seen: string[] = []
      const watching = (async () => {
        for await (const { key, value, offset } of service.subscribe(counts)) {
          seen.push(`${offset} ${key} ${value}`)
          if (seen.length === 2) break
        }
      })()
      await service.produce(orders, [order(0)])
      await service.produce(orders, [order(3)])
      await watching
      assert.deepEqual(seen, ['0 c0 1', '1 c0 2'])
      await service.stop()
    }))

  it('begins where startFrom says, and never twice', () =>
    inDirectory(async (directory) => {
      const feeder = await run(topology('feeder', [stream(orders).forEach(() => {})]), { directory })
      await feeder.produce(orders, range(0, 10).map(order))
      await feeder.stop()
      const total = async (name: string, startFrom: 'latest' | number | Date) => {
        const sums = topic(`sums-${name}`, { key: string(), value: int64() })
        const sum = stream(orders)
          .groupByKey()
          .aggregate({ name: 'sum', init: () => 0, add: (s, o) => s + o.amount, value: int64() })
        const service = await run(topology(name, [sum.toStream().to(sums)]), { directory, startFrom })
        await service.caughtUp()
        const rows = await tableOf(service, sums)
        await service.stop()
        return rows.map(([, n]) => n)
      }
      assert.deepEqual(await total('from-time', 1_008), [9, 8])
      assert.deepEqual(await total('from-date', new Date(1_009)), [9])
      assert.deepEqual(await total('from-end', 'latest'), [])
      const again = await run(topology('feeder', [stream(orders).forEach(() => {})]), { directory })
      await again.produce(orders, [order(10)])
      await again.stop()
      // "latest" was the end when the application was first seen, and stays that.
      assert.deepEqual(await total('from-end', 'latest'), [10])
      assert.deepEqual(await total('from-date', 'latest'), [9, 10])
    }))

  it('stops where records were deleted before it read them, or skips them when it is told so', () =>
    inDirectory(async (directory) => {
      const first = await run(shop, { directory })
      await first.produce(orders, range(0, 3).map(order))
      await first.caughtUp()
      await first.stop()
      const opened = await openDirectory(directory)
      for (const n of [2, 1]) {
        const record = {
          topic: 'orders',
          partition: 0,
          key: Buffer.from('c0'),
          value: Buffer.from('{"what":"w","amount":1}'),
        }
        await opened.broker.produce(range(0, n).map(() => ({ ...record, timestamp: 2_000, headers: [] })))
      }
      opened.log.cleaner.deleteBelow('orders', 0, 5)
      assert.equal(opened.log.startOffset('orders', 0), 5)
      await opened.close()

      await assert.rejects(run(shop, { directory }), withCode('E_INPUT_TRUNCATED', '3 to 4', 'offsetReset'))
      const lives = async (): Promise<ServiceEvent[]> => {
        const events: ServiceEvent[] = []
        const onEvent = (event: ServiceEvent): void => void events.push(event)
        const service = await run(shop, { directory, offsetReset: 'earliest', onEvent })
        await service.caughtUp()
        assert.deepEqual((await tableOf(service, counts))[0], ['c0', 2])
        await service.stop()
        return events.filter(({ kind }) => kind === 'warning')
      }
      const told = await lives()
      assert.equal(told.length, 1)
      assert.match(
        JSON.stringify(told[0]),
        /E_INPUT_TRUNCATED.*the records 3 to 4 of orders, partition 0, are skipped/,
      )
      assert.deepEqual(await lives(), [])
    }))

  it('stops when its signal says so', () =>
    inDirectory(async (directory) => {
      const controller = new AbortController()
      const events: ServiceEvent[] = []
      const service = await run(shop, {
        directory,
        signal: controller.signal,
        onEvent: (event) => events.push(event),
      })
      controller.abort()
      await service.finished
      assert.deepEqual(events, [{ kind: 'running', tasks: 2 }])
      await assert.rejects(service.caughtUp(), withCode('E_SERVICE_STOPPED'))
    }))

  it('names every wrong option at once', async () => {
    const wrong = {
      directory: '',
      startFrom: 'tomorrow',
      offsetReset: 'somewhere',
      commitInterval: Number.NaN,
      maxTaskIdle: -2,
      partitions: { nothing: 3, orders: 0 },
      generation: 70_000,
      onError: { processing: 'ignore', timestamp: 'dead-letter', deadLetterTopic: 'orders' },
      signal: {},
      colour: 'red',
    }
    await assert.rejects(
      run(shop, wrong as never),
      withCode(
        'E_CONFIG',
        'directory is ""',
        'startFrom is "tomorrow"',
        'offsetReset is "somewhere"',
        'commitInterval is NaN',
        'maxTaskIdle is -2',
        'partitions names nothing',
        'partitions of orders is 0',
        'generation is 70000',
        'onError.processing is "ignore"',
        'deadLetterTopic is "orders", which the topology reads or writes itself',
        'signal must be an AbortSignal',
        'colour is no option',
      ),
    )
  })

  it('goes on with its timers after a restart', () =>
    inDirectory(async (directory) => {
      const ticks = topic('ticks', { key: string(), value: string() })
      const clock = topology('clock', [
        stream(orders)
          .process<string, string>({
            name: 'ticking',
            key: string(),
            value: string(),
            create: ({ emit, schedule }) => {
              schedule(seconds(3_600), 'wall-clock-time', () => {
                emit({ key: 'wall', value: 'hour', timestamp: 0, headers: [] })
              })
              schedule(milliseconds(100), 'stream-time', (time) => {
                emit({ key: 'stream', value: String(time), timestamp: time, headers: [] })
              })
              return { process: () => {} }
            },
          })
          .to(ticks),
      ])
      const values = async (service: Awaited<ReturnType<typeof run>>) => {
        const seen: string[] = []
        const end = (await service.broker.endOffsets('ticks'))[0]!
        for await (const { value, offset } of service.subscribe(ticks)) {
          seen.push(value!)
          if (offset === end - 1) break
        }
        return seen
      }
      const first = await run(clock, { directory })
      await first.produce(orders, [{ ...order(0), timestamp: 1_050 }])
      await first.caughtUp()
      assert.deepEqual(await values(first), ['1050'])
      await first.stop()
      const second = await run(clock, { directory })
      await second.produce(orders, [{ ...order(0), timestamp: 1_099 }])
      await second.produce(orders, [{ ...order(0), timestamp: 1_100 }])
      await second.caughtUp()
      // Without the stored timer the first record after the restart would have fired it again.
      assert.deepEqual(await values(second), ['1050', '1100'])
      await second.stop()
    }))

  it('wakes up for a wall-clock timer although nothing arrives', () =>
    inDirectory(async (directory) => {
      const ticks = topic('ticks', { key: string(), value: string() })
      const clock = topology('clock', [
        stream(orders)
          .process<string, string>({
            name: 'ticking',
            create: ({ emit, schedule }) => {
              schedule(milliseconds(30), 'wall-clock-time', () => {
                emit({ key: 'wall', value: 'tick', timestamp: 0, headers: [] })
              })
              return { process: () => {} }
            },
          })
          .to(ticks),
      ])
      const service = await run(clock, { directory })
      let n = 0
      for await (const { value } of service.subscribe(ticks)) {
        assert.equal(value, 'tick')
        if (++n === 3) break
      }
      await service.stop()
    }))

  it('waits for an idle side as long as maxTaskIdle says', () =>
    inDirectory(async (directory) => {
      const prices = topic('prices', { key: string(), value: int64() })
      const priced = topic('priced', { key: string(), value: json<number | null>() })
      const joined = topology('priced', [
        stream(orders)
          .leftJoin(table(prices), (o, price) => (price === undefined ? null : price * o.amount), {
            name: 'price',
          })
          .to(priced),
      ])
      const service = await run(joined, { directory, maxTaskIdle: milliseconds(150) })
      const started = performance.now()
      await service.produce(orders, [{ ...order(2), key: 'a', timestamp: 2_000 }])
      await service.produce(prices, [{ key: 'a', value: 10, timestamp: 1_000 }])
      await service.caughtUp()
      assert.deepEqual(await tableOf(service, priced), [['a', 20]])
      assert.ok(performance.now() - started >= 140)
      await service.stop()
    }))
})
