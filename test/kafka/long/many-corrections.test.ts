import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { json, minutes, stream, string, topic, topology } from 'revlog'
import { run, type ServiceEvent } from 'revlog/service'
import { inDirectory, tableOf } from '../../service/support.js'
import { createRawTopic } from '../admin.js'
import { openProxy } from '../proxy.js'
import { describeOwnKafka } from '../suite.js'
import { API } from '../wire.js'

interface Visit {
  readonly id: string
  readonly at: number
}
interface Mood {
  readonly mood: string
  readonly at: number
}

const { REVLOG_TEST_CORRECTIONS = '20000' } = process.env
const ANSWERS = Number(REVLOG_TEST_CORRECTIONS)
const START = 1_700_000_000_000
const MIB = 1 << 20

describeOwnKafka('one late record that corrects very many answers', { proxies: 1 }, (kafka) => {
  for (const processingGuarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`corrects each of them, in requests of a bounded size, and the member stays, ${processingGuarantee}`, () =>
      inDirectory(async (directory) => {
        const name = kafka().name('moods')
        const visits = topic(`${name}-visits`, {
          key: string(),
          value: json<Visit>(),
          timestamp: (v) => v.at,
        })
        const moods = topic(`${name}-moods`, { key: string(), value: json<Mood>(), timestamp: (m) => m.at })
        const answers = topic(`${name}-answers`, { key: string(), value: json<string>() })
        for (const { name: topic } of [visits, moods]) {
          await createRawTopic(kafka().address, topic, { 'retention.ms': '-1' })
        }
        await createRawTopic(kafka().address, answers.name, { 'cleanup.policy': 'compact' })
        const application = topology(name, [
          stream(visits)
            .asOfJoin(stream(moods), {
              name: 'mood-at-visit',
              id: (visit) => visit.id,
              join: (_, mood) => mood?.mood ?? 'unknown',
              value: json<string>(),
              gracePeriod: minutes(60),
            })
            .toStream()
            .to(answers),
        ])
        const proxy = await openProxy(kafka().proxied[0]!)
        const events: ServiceEvent[] = []
        const service = await run(application, {
          ...{ brokers: proxy.address, directory, processingGuarantee },
          onEvent: (event) => events.push(event),
        })
        try {
          const all = Array.from({ length: ANSWERS }, (_, i) => ({
            key: 'ada',
            value: { id: `visit-${i}`, at: START + i },
          }))
          await service.produce(moods, [{ key: 'ada', value: { mood: 'calm', at: START - 2 } }])
          await service.produce(visits, all)
          await service.caughtUp()
          const before = process.memoryUsage().rss
          const delay = monitorEventLoopDelay({ resolution: 5 })
          delay.enable()
          // It measures from its first tick on.
          await new Promise((resolve) => setTimeout(resolve, 50))
          const since = performance.now()
          await service.produce(moods, [{ key: 'ada', value: { mood: 'glad', at: START - 1 } }])
          await service.caughtUp()
          delay.disable()
          const table = await tableOf(service, answers)
          assert.equal(table.length, ANSWERS)
          assert.deepEqual(
            table.filter(([, mood]) => mood !== 'glad'),
            [],
          )
          const largest = proxy.largest(API.produce)
          const figures = [
            `${Math.round(performance.now() - since)} ms`,
            `the event loop stood still for ${Math.round(delay.max / 1e6)} ms`,
            `${Math.round((process.memoryUsage().rss - before) / MIB)} MiB more`,
            `${(largest / MIB).toFixed(1)} MiB in the largest request`,
          ]
          console.log(`      ${ANSWERS} corrections: ${figures.join(', ')}`)
          assert.ok(largest < 9 * MIB, String(largest))
          const kinds = events.map(({ kind }) => kind)
          assert.equal(kinds.filter((kind) => kind === 'assigned').length, 1, kinds.join())
          assert.equal(kinds.includes('lost') || kinds.includes('retrying'), false, kinds.join())
        } finally {
          await service.stop()
          await proxy.close()
        }
      }))
  }
})
