import assert from 'node:assert/strict'
import { type Folder, lines, strangersFolder } from '../cli/revlog.js'
import { createRawTopic } from './admin.js'
import { describeKafka } from './suite.js'

/** Totals of orders: what is read is a stream, what is written is a table. */
const SHOP = (orders: string, totals: string): string => `
import { json, stream, string, topic, topology } from 'revlog'
const orders = topic('${orders}', {
  key: string(), value: json(), timestamp: (o) => o.time, keyOf: (o) => o.customer,
})
const totals = topic('${totals}', { key: string(), value: json() })
const total = stream(orders).mapValues((o) => o.amount)
  .groupByKey().reduce((a, b) => a + b, { name: 'total', value: json() })
export default topology('shop', [total.toStream().to(totals)])
`
const ORDERS = 'customer,time,amount\nada,1,5\nbob,2,7\nada,3,10\n'

describeKafka('revlog produce and consume on Apache Kafka', (kafka) => {
  let folder: Folder
  let orders: string
  let totals: string
  beforeEach(() => {
    folder = strangersFolder()
    orders = kafka().name('orders')
    totals = kafka().name('totals')
    folder.write('shop.js', SHOP(orders, totals))
    folder.write('orders.csv', ORDERS)
  })
  afterEach(() => folder.remove())
  const brokers = (): string[] => ['--brokers', kafka().address]

  it('rows become records, and records lines or a table', async () => {
    const produce = ['produce', orders, 'orders.csv', '--topology', 'shop.js', '--partitions', '3']
    const produced = await folder.revlog([...produce, ...brokers()])
    assert.deepEqual([produced.code, produced.out], [0, ''], produced.err)
    const all = await folder.revlog(['consume', orders, '--topology', 'shop.js', ...brokers()])
    assert.deepEqual(
      lines(all.out)
        .map(({ key, timestamp, value }) => [key, timestamp, value.amount])
        .sort((a, b) => a[1] - b[1]),
      [
        ['ada', 1, 5],
        ['bob', 2, 7],
        ['ada', 3, 10],
      ],
    )
    const env = { REVLOG_BROKERS: kafka().address }
    const table = await folder.revlog(['consume', orders, '--table'], '', env)
    assert.deepEqual(
      lines(table.out).map(({ key, value }) => [key, value.amount]),
      [
        ['ada', 10],
        ['bob', 7],
      ],
    )
  })

  it('what arrives is followed', async () => {
    await createRawTopic(kafka().address, orders, {})
    const following = folder.start(['consume', orders, '--follow', '--from-beginning', ...brokers()])
    for (const i of [1, 2]) {
      const produced = await folder.revlog(['produce', orders, ...brokers()], `{"key":"k","value":${i}}\n`)
      assert.equal(produced.code, 0, produced.err)
      await following.says(`"value":${i}`)
    }
    following.process.kill('SIGINT')
    const { code, out } = await following.ended
    assert.deepEqual([code, lines(out).map(({ value }) => value)], [0, [1, 2]])
  })

  it('a topic is made only when a number of partitions is given, else the command for it is said', async () => {
    const produce = ['produce', totals, '--topology', 'shop.js', ...brokers()]
    const refused = await folder.revlog(produce, '{"key":"ada","value":1}')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /E_TOPIC_UNKNOWN: .*--partitions N/s)
    const command = `kafka-topics.sh --bootstrap-server ${kafka().address} --create --topic ${totals} --partitions 1 --config cleanup.policy=compact`
    assert.ok(refused.err.includes(command), refused.err)
    const produced = await folder.revlog([...produce, '--partitions', '2'], '{"key":"ada","value":1}')
    assert.equal(produced.code, 0, produced.err)
    const consumed = await folder.revlog(['consume', totals, '--table', ...brokers()])
    assert.equal(consumed.code, 0, consumed.err)
    assert.deepEqual(
      lines(consumed.out).map(({ key, value }) => [key, value]),
      [['ada', 1]],
    )
    const absent = await folder.revlog(['consume', kafka().name('absent'), ...brokers()])
    assert.match(absent.err, /E_TOPIC_UNKNOWN/)
  })

  it('a folder and Kafka at once are refused, and so is what cannot be reached', async () => {
    const both = await folder.revlog(['consume', orders, '--dir', 'x', ...brokers()])
    assert.deepEqual([both.code, /choose one of them/.test(both.err)], [2, true])
    const gone = await folder.revlog(['consume', orders, '--brokers', '127.0.0.1:1'])
    assert.equal(gone.code, 1)
    assert.match(gone.err, /E_BROKER_UNREACHABLE: 127\.0\.0\.1:1/)
  })
})
