import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Folder, lines, ROOT, strangersFolder } from './revlog.js'

/** Counts the orders of each customer; an amount that is no number ends in an error. */
const TOTALS = `
import { json, stream, string, topic, topology } from 'revlog'
const orders = topic('orders', {
  key: string(), value: json(), timestamp: (o) => o.time, keyOf: (o) => o.customer,
})
const totals = topic('totals', { key: string(), value: json() })
const total = stream(orders)
  .mapValues((o) => { if (o.amount === 'boom') throw new Error('no amount'); return o.amount })
  .groupByKey().reduce((a, b) => a + b, { name: 'total', value: json() })
export default topology('shop', [total.toStream().to(totals)])
`
const ORDERS = 'customer,time,amount\r\nada,1,5\r\nbob,2,7\r\nada,3,10\r\n'
const EXPECTED = [
  ['ada', 15],
  ['bob', 7],
]

describe('revlog run, produce and consume', () => {
  let folder: Folder
  beforeEach(() => {
    folder = strangersFolder()
    folder.write('shop.js', TOTALS)
    folder.write('orders.csv', ORDERS)
  })
  afterEach(() => folder.remove())

  const table = (out: string): unknown[] => lines(out).map(({ key, value }) => [key, value])
  const overFile = ['run', 'shop.js', '--table', 'totals', '--from']

  it('a topology runs over a file in one command, and leaves nothing behind', async () => {
    const { code, out, err } = await folder.revlog([...overFile, 'orders=orders.csv'])
    assert.deepEqual(table(out), EXPECTED)
    assert.equal(code, 0)
    assert.match(err, /orders\.csv to orders: 3 records in /)
    assert.match(err, /shop: 3 records in /)
    assert.equal(existsSync(join(folder.path, '.revlog')), false)
    assert.deepEqual(folder.temporary(), [])
  })

  it('files may be JSON lines, gzip or standard input', async () => {
    const json = '{"customer":"ada","time":1,"amount":5}\n{"customer":"bob","time":2,"amount":7}\n'
    const record = '{"key":"ada","value":{"time":3,"amount":10}}'
    folder.write('orders.jsonl', json + record)
    folder.write('packed', gzipSync(ORDERS))
    for (const file of ['orders.jsonl', 'packed']) {
      assert.deepEqual(table((await folder.revlog([...overFile, `orders=${file}`])).out), EXPECTED)
    }
    const piped = await folder.revlog([...overFile, 'orders=-'], gzipSync(json + record))
    assert.deepEqual(table(piped.out), EXPECTED)
  })

  it('reports on standard error what was corrected', async () => {
    folder.write('moods.csv', 'consultant,mood,eventTime\nada,calm,9000\nada,glad,1000\n')
    folder.write('recs.jsonl', '{"id":"R1","consultant":"ada","client":"c","product":"p","eventTime":5000}\n')
    const consultants = join(ROOT, 'dist/topologies/consultants.js')
    const inputs = ['--from', 'moods=moods.csv', '--from', 'recommendations=recs.jsonl']
    const { out, err } = await folder.revlog(['run', consultants, ...inputs, '--table', 'advice'])
    assert.deepEqual(
      lines(out).map(({ key, value, revision, asOf, cause }) => [key, value.mood, revision, asOf, cause]),
      [['R1', 'glad', '0.2', 1000, 'moods-0@1']],
    )
    assert.match(
      err,
      /correction report of mood-at-recommendation.*\n +first answers +1, of which 1 \(100\.0 %\)/,
    )
  })

  it('an empty file is an empty table', async () => {
    folder.write('empty.csv', '')
    const { code, out } = await folder.revlog([...overFile, 'orders=empty.csv'])
    assert.deepEqual([code, out], [0, ''])
  })

  it('state stays in the folder that is named, and the next run goes on with it', async () => {
    const words = [...overFile, 'orders=orders.csv', '--dir', 'here']
    await folder.revlog(words)
    const { out } = await folder.revlog(words)
    assert.deepEqual(table(out), [
      ['ada', 30],
      ['bob', 14],
    ])
  })

  it('a bad row ends the run and says where it is, or is counted', async () => {
    folder.write('bad.csv', `${ORDERS}eve,4\r\nbob,5,1\r\n`)
    const failed = await folder.revlog([...overFile, 'orders=bad.csv'])
    assert.match(failed.err, /E_CSV: the row has 2 cells, the header has 3 \(bad\.csv:5\)\n {2}remedy: /)
    assert.deepEqual([failed.code, failed.out], [1, ''])
    const skipped = await folder.revlog([...overFile, 'orders=bad.csv', '--on-error', 'skip'])
    assert.match(skipped.err, /bad\.csv: skipped 1 bad row; the first: E_CSV/)
    assert.deepEqual(table(skipped.out), [
      ['ada', 15],
      ['bob', 8],
    ])
    assert.equal(skipped.code, 0)
  })

  it('a function of the user that throws ends the run with its place, or is counted, or makes a dead letter', async () => {
    folder.write('boom.csv', 'customer,time,amount\nada,1,5\nada,2,boom\n')
    const words = [...overFile, 'orders=boom.csv']
    const failed = await folder.revlog(words)
    assert.match(failed.err, /no amount/)
    assert.match(failed.err, /topic orders, partition 0, offset 1/)
    assert.deepEqual([failed.code, failed.out], [1, ''])
    const skipped = await folder.revlog([...words, '--on-error', 'skip'])
    assert.match(skipped.err, /dropped 1 record: processing-error/)
    assert.deepEqual([skipped.code, table(skipped.out)], [0, [['ada', 5]]])
    await folder.revlog([...words, '--on-error', 'dead-letter', '--dead-letter', 'bad', '--dir', 'd'])
    const [letter] = lines((await folder.revlog(['consume', 'bad', '--dir', 'd'])).out)
    assert.equal(letter.key, 'ada')
    assert.equal(letter.headers['revlog-error-reason'], 'processing-error')
  })

  it('what is misspelt is told before anything is written', async () => {
    const topic = await folder.revlog(['run', 'shop.js', '--from', 'order=orders.csv'])
    assert.match(topic.err, /E_TOPIC_UNKNOWN: topology shop has no topic order: .*\n.*did you mean orders\?/)
    assert.equal(topic.code, 1)
    const shown = await folder.revlog(['run', 'shop.js', '--from', 'orders=orders.csv', '--table', 'x'])
    assert.match(shown.err, /E_TOPIC_UNKNOWN/)
    const file = await folder.revlog(['run', 'shop.js', '--dir', 'd', '--from', 'orders=none.csv'])
    assert.match(file.err, /E_FILE_NOT_FOUND: there is no file none\.csv/)
    assert.equal(file.code, 1)
  })

  it('produce, run, consume: a stranger pipes rows in and reads the table out', async () => {
    const produced = await folder.revlog(['produce', 'orders', '--topology', 'shop.js'], ORDERS)
    assert.equal(produced.code, 0, produced.err)
    assert.equal((await folder.revlog(['run', 'shop.js', '--until-end'])).code, 0)
    const all = await folder.revlog(['consume', 'totals'])
    assert.deepEqual(
      lines(all.out).map(({ key, value, timestamp, offset }) => [key, value, timestamp, offset]),
      [
        ['ada', 5, 1, 0],
        ['bob', 7, 2, 1],
        ['ada', 15, 3, 2],
      ],
    )
    assert.deepEqual(table((await folder.revlog(['consume', 'totals', '--table'])).out), EXPECTED)
    assert.deepEqual(await folder.revlog(['consume', 'totals', '--topology', 'shop.js']), all)
    // What consume prints, produce takes.
    await folder.revlog(['produce', 'copy', '--dir', 'other'], all.out)
    const copy = await folder.revlog(['consume', 'copy', '--dir', 'other'])
    assert.equal(copy.out, all.out)
  })

  it('a service takes what is produced beside it, and answers who follows', async () => {
    const service = folder.start(['run', 'shop.js'])
    await service.says('shop runs in .revlog/shop')
    const follower = folder.start(['consume', 'totals', '--follow', '--from-beginning'])
    const { code, err } = await folder.revlog(['produce', 'orders', 'orders.csv', '--topology', 'shop.js'])
    assert.equal(code, 0, err)
    await follower.says('"value":15')
    const second = await folder.revlog(['run', 'shop.js'])
    assert.match(second.err, /E_STATE_DIR_LOCKED: .*held by/)
    assert.equal(second.code, 1)
    follower.process.kill('SIGINT')
    service.process.kill('SIGTERM')
    assert.deepEqual(table((await follower.ended).out), [
      ['ada', 5],
      ['bob', 7],
      ['ada', 15],
    ])
    assert.equal((await follower.ended).code, 0)
    assert.equal((await service.ended).code, 0)
    assert.deepEqual(table((await folder.revlog(['consume', 'totals', '--table'])).out), EXPECTED)
  })

  it('ends quietly when the reader of its results is gone', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `c${i},${i},1`).join('\n')
    folder.write('many.csv', `customer,time,amount\n${many}\n`)
    const { process: child, ended, says } = folder.start([...overFile, 'orders=many.csv'])
    await says('{"key"')
    child.stdout?.destroy()
    const { code, err } = await ended
    assert.equal(code, 0)
    assert.doesNotMatch(err, /EPIPE|rror/)
  })

  it('a signal in the middle of standard input ends it in order', async () => {
    const { process: child, ended, says } = folder.start([...overFile, 'orders=-'])
    child.stdin?.write('customer,time,amount\nada,1,5\n')
    while (folder.temporary().length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGTERM')
    await says('SIGTERM: finishing what is begun')
    const { code, out } = await ended
    assert.deepEqual([code, out, folder.temporary()], [0, '', []])
  })

  it('a folder is not reset, and what to do instead does it', async () => {
    const first = await folder.revlog([...overFile, 'orders=orders.csv', '--dir', 'd'])
    assert.deepEqual(table(first.out), EXPECTED, first.err)
    const { code, out, err } = await folder.revlog(['reset', 'shop.js', '--dir', 'd', '--yes'])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /E_RESET_EMBEDDED: d is a folder .*\n.*under another name with --dir d/)
    folder.write('shop.js', TOTALS.replace("'shop'", "'shop-2'").replace('a + b', 'Math.max(a, b)'))
    const again = await folder.revlog(['run', 'shop.js', '--dir', 'd', '--until-end', '--table', 'totals'])
    assert.deepEqual(table(again.out), [
      ['ada', 10],
      ['bob', 7],
    ])
    const elsewhere = await folder.revlog(['reset', 'shop.js', '--dir', 'nowhere'])
    assert.deepEqual([elsewhere.code, /it is not known where Kafka is/.test(elsewhere.err)], [2, true])
  })

  it('reading makes no folder, and says which topics there are', async () => {
    const absent = await folder.revlog(['consume', 'x', '--dir', 'nowhere'])
    assert.match(absent.err, /E_DIRECTORY_NOT_FOUND: there is no folder nowhere/)
    assert.equal(existsSync(join(folder.path, 'nowhere')), false)
    await folder.revlog(['produce', 'words', '--dir', 'd'], '"hello"\n')
    const unknown = await folder.revlog(['consume', 'word', '--dir', 'd'])
    assert.match(
      unknown.err,
      /E_TOPIC_UNKNOWN: the broker has no topic word: it has words\n.*did you mean words\?/,
    )
  })

  it('a topic that nobody has described keeps bytes that are no text', async () => {
    const line = '{"key":{"base64":"/w=="},"value":{"base64":"AAH/"},"timestamp":1}\n'
    await folder.revlog(['produce', 'raw', '--dir', 'd'], line)
    const [record] = lines((await folder.revlog(['consume', 'raw', '--dir', 'd'])).out)
    assert.deepEqual([record.key, record.value], [{ base64: '/w==' }, { base64: 'AAH/' }])
  })
})
