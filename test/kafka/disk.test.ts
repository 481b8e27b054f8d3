import assert from 'node:assert/strict'
import { join } from 'node:path'
import { RevlogError, stream, string, topic, topology } from 'revlog'
import { run, type ServiceEvent } from 'revlog/service'
import { mountDisk, unmount } from '../service/small-disk.js'
import { tableOf } from '../service/support.js'
import { createRawTopic } from './admin.js'
import { until } from './group/members.js'
import { describeKafka } from './suite.js'

const KEYS = 120
const BYTES = 200_000

describeKafka('a member on Apache Kafka whose disk is full', (kafka) => {
  for (const processingGuarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`${processingGuarantee}: says so, tries again, and goes on where it was when there is room`, async function () {
      const disk = mountDisk(12)
      if (disk === undefined) return this.skip()
      try {
        const name = kafka().name('pages')
        const input = topic(`${name}-in`, { key: string(), value: string() })
        const output = topic(`${name}-out`, { key: string(), value: string() })
        await createRawTopic(kafka().address, input.name, { 'retention.ms': '-1' })
        await createRawTopic(kafka().address, output.name, { 'cleanup.policy': 'compact' })
        // Each key twice, and each time something is added: what counts twice, or not at all, shows.
        const longer = stream(input)
          .groupByKey()
          .reduce((a, b) => a + b, { name: 'longer' })
        const app = topology(name, [
          longer
            .toStream()
            .mapValues((text) => `${text[0]}${text.length}`, { value: string() })
            .to(output),
        ])
        const events: ServiceEvent[] = []
        const service = await run(app, {
          ...{ brokers: kafka().address, directory: join(disk.path, 'state'), processingGuarantee },
          onEvent: (event) => events.push(event),
        })
        const write = (): Promise<void> =>
          service.produce(
            input,
            Array.from({ length: KEYS }, (_, i) => ({
              key: `${i}`.padStart(3, '0'),
              value: 'x'.repeat(BYTES),
            })),
          )
        await write()
        const full = await until('the disk is full', () =>
          events.find(({ kind }) => kind === 'retrying' || kind === 'paused'),
        )
        assert.ok('error' in full && full.error instanceof RevlogError)
        assert.equal(full.error.code, 'E_STATE_DISK_FULL', full.error.message)
        assert.match(full.error.message, new RegExp(disk.path))
        disk.remount('size=400m')
        await write()
        await service.caughtUp()
        assert.deepEqual(
          (await tableOf(service, output)).map(([, value]) => value),
          Array.from({ length: KEYS }, () => `x${2 * BYTES}`),
        )
        assert.ok(!events.some(({ kind }) => kind === 'lost'))
        await service.stop()
      } finally {
        unmount(disk.path)
      }
    })
  }
})
