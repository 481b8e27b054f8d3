import assert from 'node:assert/strict'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { type Folder, lines } from '../cli/revlog.js'
import { createRawTopic } from './admin.js'
import { makeShopTopics, rows, shopFolder, TOTALS } from './shop.js'
import { describeKafka } from './suite.js'

/** What is known of a visitor at the time of a visit. */
const VISITS = (name: string): string => `
import { json, minutes, stream, string, topic, topology } from 'revlog'
const visits = topic('${name}-visits', { key: string(), value: json(), timestamp: (v) => v.time, keyOf: (v) => v.who })
const moods = topic('${name}-moods', { key: string(), value: json(), timestamp: (m) => m.time, keyOf: (m) => m.who })
const answers = topic('${name}-answers', { key: string(), value: json() })
const joined = stream(visits).asOfJoin(stream(moods), {
  name: 'mood-at-visit', id: (v) => v.id, join: (v, m) => m?.mood ?? 'unknown', value: json(), gracePeriod: minutes(10),
})
export default topology('${name}', [joined.toStream().to(answers)])
`

describeKafka('what revlog run on Apache Kafka says', (kafka) => {
  let folder: Folder
  let broker: KafkaBroker
  let name: string
  const brokers = (): string[] => ['--brokers', kafka().address]
  before(async () => {
    broker = await openKafkaBroker({ brokers: [kafka().address] })
  })
  after(() => broker?.close())
  beforeEach(() => {
    name = kafka().name('shop')
    folder = shopFolder(name)
  })
  afterEach(() => folder.remove())

  it('a member that has no task is told so, and gets one when another leaves', async () => {
    await makeShopTopics(kafka().address, name, 1)
    const member = (dir: string) => folder.start(['run', 'shop.js', '--dir', dir, ...brokers()])
    const first = member('one')
    await first.says('runs total_0')
    const second = member('two')
    await second.says('no task is for this member: others have them all')
    const doctor = await folder.revlog(['doctor', 'shop.js', '--dir', 'three', '--json', ...brokers()])
    assert.match(doctor.out, /1 members have nothing to do: a task is one partition/)
    first.process.kill('SIGTERM')
    await second.says('runs total_0')
    const produce = ['produce', `${name}-orders`, 'orders.csv', '--topology', 'shop.js', ...brokers()]
    assert.equal((await folder.revlog(produce)).code, 0)
    second.process.kill('SIGTERM')
    for (const { ended } of [first, second]) assert.equal((await ended).code, 0)
    const words = ['run', 'shop.js', '--dir', 'two', '--until-end', '--table', `${name}-totals`]
    assert.deepEqual(rows((await folder.revlog([...words, ...brokers()])).out), TOTALS)
  })

  it('twenty thousand bad records are one line, with their number', async () => {
    await makeShopTopics(kafka().address, name, 1)
    const bad = Array.from({ length: 20_000 }, (_, n) => ({
      ...{
        topic: `${name}-orders`,
        partition: 0,
        key: Buffer.from('ada'),
        value: Buffer.from(`not json ${n}`),
      },
      ...{ timestamp: n, headers: [] },
    }))
    await broker.produce(bad)
    const words = ['run', 'shop.js', '--from', `${name}-orders=orders.csv`, '--table', `${name}-totals`]
    const { code, out, err } = await folder.revlog([...words, '--on-error', 'skip', ...brokers()])
    assert.deepEqual([code, rows(out)], [0, TOTALS], err)
    assert.match(err, /dropped 20,000 records: \S+/)
    assert.ok(err.split('\n').length < 20, err)
  })

  it('a run ends with what was corrected, on one thread and on two, at its end and at a signal', async () => {
    folder.write('visits.js', VISITS(name))
    folder.write('visits.csv', 'id,who,time\nv1,ada,5000\nv2,ada,8000\n')
    folder.write('moods.csv', 'who,mood,time\nada,calm,9000\n')
    folder.write('late.csv', 'who,mood,time\nada,glad,6000\n')
    for (const topic of ['visits', 'moods']) {
      await createRawTopic(kafka().address, `${name}-${topic}`, { 'retention.ms': '-1' })
    }
    await createRawTopic(kafka().address, `${name}-answers`, { 'cleanup.policy': 'compact' })
    const run = ['run', 'visits.js', ...brokers()]
    const from = (topic: string, file: string): string[] => ['--from', `${name}-${topic}=${file}`]
    const first = await folder.revlog([
      ...run,
      ...from('visits', 'visits.csv'),
      ...from('moods', 'moods.csv'),
    ])
    assert.equal(first.code, 0, first.err)
    assert.match(first.err, /correction report of mood-at-visit.*\n +first answers +2, of which 0 \(0 %\)/)
    const late = [...from('moods', 'late.csv'), '--table', `${name}-answers`, '--threads', '2']
    const second = await folder.revlog([...run, ...late])
    assert.deepEqual(
      lines(second.out).map(({ key, value }) => [key, value]),
      [
        ['v1', 'unknown'],
        ['v2', 'glad'],
      ],
    )
    assert.match(
      second.err,
      /correction report of mood-at-visit.*\n +first answers +0; of these and of earlier runs' 1 were corrected, by 1 corrections/,
    )
    const third = folder.start(run)
    await third.says('runs mood-at-visit_0')
    folder.write('more.csv', 'id,who,time\nv3,bob,9000\n')
    const produce = ['produce', `${name}-visits`, 'more.csv', '--topology', 'visits.js', ...brokers()]
    assert.equal((await folder.revlog(produce)).code, 0)
    const answered = () => folder.revlog(['consume', `${name}-answers`, '--table', ...brokers()])
    while (!(await answered()).out.includes('"v3"'));
    third.process.kill('SIGTERM')
    const { code, err } = await third.ended
    assert.equal(code, 0, err)
    assert.match(err, /correction report of mood-at-visit.*\n +first answers +1, of which 0/)
  })
})
