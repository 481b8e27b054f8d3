import assert from 'node:assert/strict'
import { milliseconds, type Sink, topology } from 'revlog'
import { run } from 'revlog/service'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { recordedIn } from '../conformance.js'
import {
  BATCH,
  batchOf,
  joinOf,
  type Pair,
  type RecordedCase,
  STREAMS,
  type Step,
  type StreamCase,
  sorted,
  stepOf,
  stepsOf,
  topicsOf,
} from '../operators/as-of-join/recorded.js'
import { inDirectory } from '../service/support.js'
import { describeKafka } from './suite.js'

/** A case that the test driver passes too, and the table that it must end with. */
interface Scenario {
  readonly name: string
  readonly recorded: RecordedCase<unknown>
  readonly steps: readonly Step[]
  readonly expected: readonly Pair[]
}

function scenarios(): readonly Scenario[] {
  const batch = Object.keys(BATCH).flatMap((project) =>
    recordedIn<RecordedCase<readonly Pair[]>[]>('asof', `batch-${project}`)
      .filter(({ options }) => options.direction === 'backward')
      .map((recorded) => {
        const { lefts, rights } = stepsOf(recorded)
        return { name: recorded.name, recorded, steps: [...lefts, ...rights], expected: recorded.expected }
      }),
  )
  const streams = Object.keys(STREAMS).flatMap((project) =>
    recordedIn<StreamCase[]>('asof', `stream-${project}`)
      .filter(({ events }) => events !== undefined)
      .map((recorded) => ({
        name: recorded.name,
        recorded,
        steps: recorded
          .events!.filter(({ side }) => side !== 'watermark')
          .map((event, n) => stepOf(event, event.side === 'left' ? `l${n}` : undefined)),
        expected: batchOf(recorded),
      })),
  )
  return [...batch, ...streams]
}

/** More than any two event times of a case are apart: on Kafka nobody knows in which order two topics are read. */
const GRACE = milliseconds(1e9)

describeKafka('conformance on Apache Kafka', (kafka) => {
  it('the scenarios of the test driver end with the same tables', async function () {
    const all = scenarios()
    if (all.length === 0) {
      console.log('    skipped: ../shared/conformance is not there')
      this.skip()
    }
    assert(all.length >= 30, `${all.length} scenarios`)
    const application = kafka().name('conformance')
    const cases = all.map((scenario, n) => ({ ...scenario, topics: topicsOf(`-${n}-${application}`) }))
    const broker: KafkaBroker = await openKafkaBroker({ brokers: [kafka().address] })
    try {
      for (const { topics } of cases) {
        const { lefts, rights, pairs } = topics
        const config = { cleanupPolicy: 'delete' } as const
        await broker.createTopic({ name: lefts.name, partitions: 1, config })
        await broker.createTopic({ name: rights.name, partitions: 1, config })
        await broker.createTopic({ name: pairs.name, partitions: 1, config: { cleanupPolicy: 'compact' } })
      }
      const sinks: readonly Sink[] = cases.map(({ recorded, topics }, n) =>
        joinOf(recorded, topics, `join-${n}`, GRACE),
      )
      await inDirectory(async (directory) => {
        const service = await run(topology(application, sinks), {
          brokers: kafka().address,
          directory,
          onError: { timestamp: 'skip' }, // a row without a time is no event
        })
        const longest = Math.max(...cases.map(({ steps }) => steps.length))
        for (let n = 0; n < longest; n++) {
          await Promise.all(
            cases.map(async ({ steps, topics }) => {
              const step = steps[n]
              if (step === undefined) return
              const { side, key, value, t } = step
              await service.produce(side === 'left' ? topics.lefts : topics.rights, [
                {
                  key,
                  ...(value === undefined ? {} : { value }),
                  ...(t === undefined ? {} : { timestamp: t }),
                },
              ])
            }),
          )
        }
        await service.caughtUp()
        for (const { name, topics, expected } of cases) {
          const table: Pair[] = []
          for await (const { value } of service.table(topics.pairs)) table.push(value!)
          assert.deepEqual(sorted(table), sorted(expected), name)
        }
        await service.stop()
      })
    } finally {
      await broker.close()
    }
  })
})
