import assert from 'node:assert/strict'
import { createLog, type EmbeddedLog } from '../../lib/brokers/embedded/log.js'
import { type Header, type LogRecord, lastHeader, type ProducerRecord } from '../../lib/core/record.js'
import { encodeRevision, REVISION_HEADERS } from '../../lib/core/revision.js'
import { type Environment, openEnvironment } from '../../lib/state/lmdb/environment.js'
import { createRandom, show, temporaryDirectories } from './support.js'

/**
 * The log against the plainest model there is: an array of records for each partition. Random appends (some in
 * transactions that fail), fetches at random places with random limits, compaction steps that stop anywhere,
 * retention, and restarts.
 */
const { REVLOG_BROKER_SEEDS } = process.env
const SEEDS = Number(REVLOG_BROKER_SEEDS ?? 25)
const STEPS = 120
const PARTITIONS = 2
const TOPICS = ['events', 'table', 'revisions'] as const
type TopicName = (typeof TOPICS)[number]
const RETENTION_MS = 500
const DELETE_RETENTION_MS = 400

interface Model {
  readonly all: LogRecord[]
  /** When each was appended. */
  readonly wallTimes: number[]
  /** By key the record that a reader ends up with, tombstones too as long as the log has to show them. */
  readonly table: Map<string, LogRecord>
  start: number
}

const directories = temporaryDirectories()
afterEach(() => directories.remove())

function open(path: string): { environment: Environment; log: EmbeddedLog } {
  const environment = openEnvironment(path, { durability: 'lazy' })
  return { environment, log: createLog(environment) }
}

describe('the embedded log', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`is an array of records for each partition (seed ${seed})`, async () => {
      const random = createRandom(seed)
      const path = directories.make()
      let { environment, log } = open(path)
      log.topics.create({
        name: 'events',
        partitions: PARTITIONS,
        config: { cleanupPolicy: 'delete', retentionMs: RETENTION_MS },
      })
      for (const name of ['table', 'revisions']) {
        log.topics.create({ name, partitions: PARTITIONS, config: { cleanupPolicy: 'compact' } })
      }
      const models = new Map<string, Model>()
      for (const topic of TOPICS) {
        for (let p = 0; p < PARTITIONS; p++)
          models.set(`${topic}-${p}`, { all: [], wallTimes: [], table: new Map(), start: 0 })
      }
      let wallTime = 1_000

      for (let step = 0; step < STEPS; step++) {
        wallTime += random.below(30)
        const action = random.below(10)
        if (action < 4) {
          const records = randomRecords(random, wallTime)
          if (random.chance(0.2)) {
            assert.throws(() =>
              environment.transaction(() => {
                log.append(records)
                log.topics.create({ name: 'no', partitions: 1, config: { cleanupPolicy: 'delete' } })
                throw new Error('rolled back')
              }),
            )
            assert.equal(log.topics.find('no'), undefined)
          } else appendToBoth(log, models, records, wallTime)
        } else if (action < 7) {
          checkFetch(random, log, models)
        } else if (action < 9) {
          for (let steps = random.below(6); steps > 0; steps--) {
            log.cleaner.clean({
              wallTime,
              maxBatches: 1 + random.below(4),
              minDirtyBytes: 0,
              minDirtyRatio: random.chance(0.5) ? 0 : 0.5,
              deleteRetentionMs: DELETE_RETENTION_MS,
            })
          }
        } else {
          await environment.close()
          const again = open(path)
          environment = again.environment
          log = again.log
        }
        checkAll(log, models, wallTime)
      }
      wallTime += 2 * DELETE_RETENTION_MS
      // A pass that is under way, one over the rest, and one for the tombstones that the former has kept.
      for (let round = 0; round < 4; round++) compactAll(log, wallTime + 1_000 * round)
      checkCompacted(log, models)
      await environment.close()
    })
  }
})

function randomRecords(random: ReturnType<typeof createRandom>, wallTime: number): ProducerRecord[] {
  const topic = TOPICS[random.below(TOPICS.length)]!
  const count = random.chance(0.1) ? 1_500 : 1 + random.below(20)
  const size = random.chance(0.05) ? 40_000 : random.below(60)
  return Array.from({ length: count }, (_, i) => {
    const headers: Header[] = random.chance(0.3) ? [{ key: 'h', value: Buffer.from(`${i}`) }] : []
    if (topic === 'revisions' && random.chance(0.9)) {
      const rightPosition = random.below(1_000)
      headers.push({
        key: REVISION_HEADERS.revision,
        value: encodeRevision({ generation: 0, leftOffset: 1, ordinal: 0, rightPosition }),
      })
    }
    return {
      topic,
      partition: random.below(PARTITIONS),
      key: topic === 'events' && random.chance(0.2) ? undefined : Buffer.from(`key ${random.below(30)}`),
      value: random.chance(0.2) ? undefined : Buffer.alloc(i < 20 ? size : 5, 97 + random.below(26)),
      timestamp: wallTime - random.below(50),
      headers,
    }
  })
}

function appendToBoth(
  log: EmbeddedLog,
  models: ReadonlyMap<string, Model>,
  records: readonly ProducerRecord[],
  wallTime: number,
): void {
  const ends = new Map<string, { baseOffset: number; count: number }>()
  for (const { topic, partition, key, value, timestamp, headers } of records) {
    const { all, wallTimes, table } = models.get(`${topic}-${partition}`)!
    const known = ends.get(`${topic}-${partition}`)
    if (known === undefined) ends.set(`${topic}-${partition}`, { baseOffset: all.length, count: 1 })
    else known.count++
    const placed = { offset: all.length, key, value, timestamp, headers }
    all.push(placed)
    wallTimes.push(wallTime)
    if (key !== undefined) fold(table, placed)
  }
  const appended = log.append(records)
  const found = appended.map(({ topic, partition, ...range }) => [`${topic}-${partition}`, range] as const)
  assert.deepEqual(new Map(found), ends)
}

function checkFetch(
  random: ReturnType<typeof createRandom>,
  log: EmbeddedLog,
  models: ReadonlyMap<string, Model>,
): void {
  const topic = TOPICS[random.below(TOPICS.length)]!
  const partition = random.below(PARTITIONS)
  const { all, start } = models.get(`${topic}-${partition}`)!
  const offset = start + random.below(all.length - start + 1)
  const maxRecords = 1 + random.below(300)
  const maxBytes = random.chance(0.5) ? 1 << 20 : random.below(3_000)
  const fetched = log.read({ topic, partition, offset, maxRecords, maxBytes })
  const whole = readAll(log, topic, partition, offset)
  assert.deepEqual(fetched.records.map(show), whole.slice(0, fetched.records.length).map(show))
  assert.ok(fetched.records.length <= maxRecords)
  assert.ok(fetched.records.length > 0 || fetched.nextOffset === all.length)
  assert.ok(fetched.records.every((record) => record.offset < fetched.nextOffset))
  const rest = whole.slice(fetched.records.length)
  assert.ok(rest.every((record) => record.offset >= fetched.nextOffset))
}

function readAll(log: EmbeddedLog, topic: string, partition: number, from?: number): LogRecord[] {
  const records: LogRecord[] = []
  let offset = from ?? log.startOffset(topic, partition)
  for (;;) {
    const { records: some, nextOffset, endOffset } = log.read({ topic, partition, offset })
    for (const record of some) records.push(record)
    if (nextOffset === endOffset) return records
    assert.ok(nextOffset > offset, 'a fetch goes on')
    offset = nextOffset
  }
}

function checkAll(log: EmbeddedLog, models: ReadonlyMap<string, Model>, wallTime: number): void {
  for (const topic of TOPICS) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const model = models.get(`${topic}-${partition}`)!
      const { all } = model
      const start = log.startOffset(topic, partition)
      assert.equal(log.endOffset(topic, partition), all.length)
      assert.ok(start >= model.start, 'the start of a log never goes back')
      for (const { timestamp } of all.slice(model.start, start)) {
        assert.ok(timestamp < wallTime - RETENTION_MS, 'only what is too old is deleted')
      }
      model.start = start
      const found = readAll(log, topic, partition)
      if (topic === 'events') {
        assert.deepEqual(found.map(show), all.slice(start).map(show))
        continue
      }
      assert.deepEqual(
        found.map(show),
        found.map(({ offset }) => show(all[offset]!)),
      )
      forgetTombstones(model, found, wallTime)
      assert.deepEqual(valuesOf(tableOf(found)), valuesOf(model.table))
    }
  }
}

/** What a reader of the log keeps: the last record of each key, or that of the greatest revision. */
function fold(table: Map<string, LogRecord>, record: LogRecord): void {
  const key = record.key!.toString('latin1')
  const before = table.get(key)
  const older = before === undefined ? undefined : lastHeader(before.headers, REVISION_HEADERS.revision)
  const newer = lastHeader(record.headers, REVISION_HEADERS.revision)
  if (older === undefined || newer === undefined || Buffer.compare(older, newer) <= 0) table.set(key, record)
}

function tableOf(records: readonly LogRecord[]): Map<string, LogRecord> {
  const table = new Map<string, LogRecord>()
  for (const record of records) fold(table, record)
  return table
}

const valuesOf = (table: ReadonlyMap<string, LogRecord>): readonly string[] =>
  [...table.values()]
    .filter(({ value }) => value !== undefined)
    .map(show)
    .sort()

/** A tombstone may go when it has been there long enough; it outranks nothing any more from then on. */
function forgetTombstones({ table, wallTimes }: Model, found: readonly LogRecord[], wallTime: number): void {
  const there = new Set(found.map(({ offset }) => offset))
  for (const [key, { offset, value }] of table) {
    if (value !== undefined || there.has(offset)) continue
    assert.ok(wallTime >= wallTimes[offset]! + DELETE_RETENTION_MS, 'a tombstone stays long enough')
    table.delete(key)
  }
}

function compactAll(log: EmbeddedLog, wallTime: number): void {
  const options = { minDirtyBytes: 0, minDirtyRatio: 0, deleteRetentionMs: 0 }
  for (let i = 0; log.cleaner.clean({ wallTime: wallTime + i, ...options }).more; i++) assert.ok(i < 10_000)
}

/** In the end each key has one record at most, and no tombstone is left. */
function checkCompacted(log: EmbeddedLog, models: ReadonlyMap<string, Model>): void {
  for (const topic of ['table', 'revisions'] satisfies TopicName[]) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const found = readAll(log, topic, partition)
      assert.deepEqual(found.map(show).sort(), valuesOf(models.get(`${topic}-${partition}`)!.table))
    }
  }
}
