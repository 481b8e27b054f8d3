import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SPOKEN } from '../../lib/brokers/kafka/wire/api-versions.js'
import type { Check } from '../../lib/service/doctor/check.js'
import { type Folder, lines, strangersFolder } from '../cli/revlog.js'
import { sourceOf } from '../house/wire-requests.js'
import { createRawTopic } from './admin.js'
import { makeShopTopics, ORDERS, SHOP } from './shop.js'
import { describeKafka } from './suite.js'

const JOIN = (name: string): string => `
import { json, minutes, stream, string, topic, topology } from 'revlog'
const at = { key: string(), value: json(), timestamp: (v) => v.at }
const left = topic('${name}-left', at)
const right = topic('${name}-right', at)
const answers = topic('${name}-answers', { key: string(), value: json() })
const joined = stream(left).asOfJoin(stream(right), {
  name: 'joined', id: (l) => l.id, join: (l, r) => ({ ...l, r }), gracePeriod: minutes(10), value: json(),
})
export default topology('${name}', [joined.toStream().to(answers)])
`

describeKafka('revlog doctor', (kafka) => {
  let folder: Folder
  let name: string
  const examine = async (
    file: string,
    ...words: string[]
  ): Promise<{ code: number | null; checks: Check[] }> => {
    const { code, out } = await folder.revlog([
      ...['doctor', file, '--json', '--brokers', kafka().address],
      ...words,
    ])
    return { code, checks: lines(out) }
  }
  const found = (checks: readonly Check[], severity: Check['severity']): unknown[] =>
    checks.filter((check) => check.severity === severity).map(({ area, code }) => [area, code])
  beforeEach(() => {
    folder = strangersFolder()
    name = kafka().name('shop')
    folder.write('shop.js', SHOP(name))
    folder.write('join.js', JOIN(name))
  })
  afterEach(() => folder.remove())

  it('finds nothing where all is well, before the first run, during it and afterwards', async () => {
    await makeShopTopics(kafka().address, name)
    const areas = ['connection', 'versions', 'topics', 'permissions', 'internal topics', 'group', 'state']
    const before = await examine('shop.js', '--dir', 'state')
    assert.equal(before.code, 0)
    assert.deepEqual(
      before.checks.filter(({ severity }) => severity === 'ok').map(({ area }) => area),
      areas,
    )
    const running = folder.start(['run', 'shop.js', '--dir', 'state', '--brokers', kafka().address])
    await running.says('runs total_0')
    const during = await examine('shop.js', '--dir', 'state')
    assert.equal(during.code, 0)
    assert.match(JSON.stringify(during.checks), /with 1 members for 3 tasks/)
    assert.match(JSON.stringify(during.checks), /is held by process \d+/)
    running.process.kill('SIGTERM')
    await running.ended
    const words = ['doctor', 'shop.js', '--dir', 'state', '--brokers', kafka().address]
    const { code, out } = await folder.revlog(words)
    assert.equal(code, 0)
    assert.match(out, /^OK {8}connection: cluster \S+ has 1 brokers: \S+\n/)
    assert.match(out, /\nOK {8}state: \S+ can be written; there is state of total_0, total_1, total_2\n/)
  })

  it('names topics that are missing, not compacted, or not partitioned alike, with the commands', async () => {
    const missing = await examine('shop.js')
    assert.equal(missing.code, 1)
    assert.deepEqual(found(missing.checks, 'error'), [
      ['topics', 'E_TOPIC_UNKNOWN'],
      ['topics', 'E_TOPIC_UNKNOWN'],
    ])
    for (const { severity, remedy } of missing.checks) {
      if (severity === 'error') assert.match(remedy!, /^kafka-topics\.sh --bootstrap-server \S+ --create/)
    }
    await createRawTopic(kafka().address, `${name}-left`, {}, 2)
    await createRawTopic(kafka().address, `${name}-right`, {}, 3)
    assert.deepEqual(found((await examine('join.js')).checks, 'error'), [['topics', 'E_NOT_COPARTITIONED']])
    await createRawTopic(kafka().address, `${name}-orders`, {})
    await createRawTopic(kafka().address, `${name}-totals`, {})
    const plain = await examine('shop.js')
    assert.deepEqual(found(plain.checks, 'error'), [['topics', 'E_TOPIC_NOT_COMPACTED']])
  })

  it('warns of a retention shorter than the grace period, and of records too old or from the future', async () => {
    await createRawTopic(kafka().address, `${name}-left`, { 'retention.ms': '60000' })
    await createRawTopic(kafka().address, `${name}-right`, { 'retention.ms': '-1' })
    await createRawTopic(kafka().address, `${name}-answers`, { 'cleanup.policy': 'compact' })
    const { code, checks } = await examine('join.js')
    assert.equal(code, 0)
    assert.deepEqual(found(checks, 'warning'), [['topics', 'E_TOPIC_RETENTION']])
    const temporary = await examine('join.js', '--dir', 'tmp/state')
    assert.deepEqual(found(temporary.checks, 'warning')[1], ['state', 'E_STATE_DIR_TEMPORARY'])
    const late = Date.now() + 3_600_000
    const row = `{"key":"k","value":{"id":"1","at":1356998400000}}\n`
    const produce = (side: string, rows: string) =>
      folder.revlog(
        ['produce', `${name}-${side}`, '--topology', 'join.js', '--brokers', kafka().address],
        rows,
      )
    assert.equal((await produce('right', `{"key":"k","value":{"at":${late}}}`)).code, 0)
    const clock = async (): Promise<unknown[]> => {
      assert.equal((await produce('left', row)).code, 0)
      const warnings = found((await examine('join.js')).checks, 'warning')
      return warnings.filter((one) => (one as string[])[0] === 'clock')
    }
    const expected = [
      ['clock', 'E_RECORD_FROM_THE_FUTURE'],
      ['clock', 'E_TOPIC_RETENTION'],
    ]
    // The record is so old that the broker deletes it when it looks next, once in five minutes.
    const first = await clock()
    assert.deepEqual(first.length === expected.length ? first : await clock(), expected)
  })

  it('names an internal topic that is gone or would lose records, and state of another application', async () => {
    await makeShopTopics(kafka().address, name)
    folder.write('orders.csv', ORDERS)
    const from = ['--from', `${name}-orders=orders.csv`, '--dir', 'state']
    assert.equal((await folder.revlog(['run', 'shop.js', ...from, '--brokers', kafka().address])).code, 0)
    const other = kafka().name('shop')
    folder.write('other.js', SHOP(other))
    await makeShopTopics(kafka().address, other)
    await createRawTopic(kafka().address, `${other}-total-changelog`, { 'retention.ms': '1000' }, 3)
    const foreign = await examine('other.js', '--dir', 'state')
    assert.deepEqual(found(foreign.checks, 'error'), [
      ['internal topics', 'E_TOPIC_CONFIG'],
      ...[0, 1, 2].map(() => ['state', 'E_STATE_FOREIGN']),
    ])
    const reset = ['reset', 'shop.js', '--yes', '--dir', 'state', '--brokers', kafka().address]
    assert.equal((await folder.revlog(reset)).code, 0)
    assert.equal((await examine('shop.js', '--dir', 'state')).code, 0)
  })

  it('says what cannot be reached or written', async () => {
    const gone = await folder.revlog(['doctor', 'shop.js', '--brokers', '127.0.0.1:1'])
    assert.equal(gone.code, 1)
    assert.match(gone.out, /^error {5}connection: E_BROKER_UNREACHABLE: .*\n +remedy: /)
    if (process.getuid?.() === 0) return // who may write everything
    await makeShopTopics(kafka().address, name)
    mkdirSync(join(folder.path, 'closed'))
    chmodSync(join(folder.path, 'closed'), 0o500)
    const closed = await examine('shop.js', '--dir', 'closed/state')
    assert.deepEqual(found(closed.checks, 'error'), [['state', 'E_STATE_DIR_NOT_WRITABLE']])
  })
})

describe('the requests that doctor asks a broker for', () => {
  it('are those that the code writes', () => {
    const spoken = SPOKEN.map(({ apiKey, apiVersion, apiName }) => `${apiKey} ${apiVersion} ${apiName}`)
    assert.deepEqual(sourceOf().sort(), [...spoken].sort())
  })
})
