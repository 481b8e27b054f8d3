import assert from 'node:assert/strict'
import { json, type SourceTopic, stream, string, type Topology, topic, topology } from 'revlog'
import { type RunOptions, run, type Service, type ServiceEvent } from 'revlog/service'
import { tableOf } from '../service/support.js'
import { createRawTopic } from './admin.js'
import type { TestKafka } from './suite.js'

const KEEP = { 'retention.ms': '-1' }

/** Counts what came for each key: every record that is lost or taken twice shows. */
export interface Counter {
  readonly name: string
  readonly input: SourceTopic<string, { readonly n: number }>
  readonly output: SourceTopic<string, { readonly count: number }>
  readonly application: Topology
  readonly changelog: string
}

/** Counters on a broker, and lives of them in this process. */
export function countersOn(kafka: () => TestKafka) {
  async function counter(
    outputSettings: { readonly [setting: string]: string } = {},
    partitions = 1,
  ): Promise<Counter> {
    const name = kafka().name('counter')
    const input = topic(`${name}-in`, { key: string(), value: json<{ readonly n: number }>() })
    const output = topic(`${name}-out`, { key: string(), value: json<{ readonly count: number }>() })
    const application = topology(name, [
      stream(input)
        .groupByKey()
        .count({ name: 'counts' })
        .mapValues((count) => ({ count, padding: 'x'.repeat(count > 5 ? 5_000 : 0) }), { value: json() })
        .toStream()
        .mapValues(({ count, padding }) => ({ count, padding }), { value: json() })
        .to(output),
    ])
    await createRawTopic(kafka().address, input.name, KEEP, partitions)
    await createRawTopic(
      kafka().address,
      output.name,
      { 'cleanup.policy': 'compact', ...outputSettings },
      partitions,
    )
    return { name, input, output, application, changelog: `${name}-counts-changelog` }
  }

  const start = (
    { application }: Counter,
    directory: string,
    events: ServiceEvent[] = [],
    options: Partial<RunOptions> = {},
  ): Promise<Service> =>
    run(application, {
      brokers: kafka().address,
      directory,
      onEvent: (event) => events.push(event),
      ...options,
    })

  const produce = (service: Pick<Service, 'produce'>, { input }: Counter, n: number): Promise<unknown> =>
    service.produce(
      input,
      Array.from({ length: n }, (_, i) => ({ key: 'ada', value: { n: i } })),
    )

  const countOf = async (service: Service, { output }: Counter): Promise<number> => {
    const table = await tableOf(service, output)
    return table[0]?.[1].count ?? 0
  }

  /** A life: so many more records, counted and committed; `all` together with those of the lives before. */
  async function lived(app: Counter, directory: string, n = 3, all = n): Promise<readonly ServiceEvent[]> {
    const events: ServiceEvent[] = []
    const service = await start(app, directory, events)
    await produce(service, app, n)
    await service.caughtUp()
    assert.equal(await countOf(service, app), all)
    await service.stop()
    return events
  }
  return { counter, start, produce, countOf, lived }
}
