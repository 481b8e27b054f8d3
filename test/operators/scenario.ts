import assert from 'node:assert/strict'
import {
  int32,
  type KeyValueStore,
  milliseconds,
  type Serde,
  type Sink,
  string,
  type Topic,
  topic,
  topology,
} from '../../lib/index.js'
import { storesOf } from '../../lib/topology/topology.js'
import { type TestDriverOptions, TopologyTestDriver } from '../../test-driver/index.js'
import { conforms } from '../conformance.js'

/** A recorded run: records piped in one after another, and what each led to. */
interface Step {
  readonly step: number
  readonly topic?: string
  readonly key?: any
  readonly value?: any
  readonly ts?: number
  readonly advanceWallClockMs?: number
}

interface Output {
  readonly afterStep: number
  readonly sink: string
  readonly key: any
  readonly value: any
  readonly ts: number
}

export interface Recorded {
  readonly steps: readonly Step[]
  readonly expected: readonly Output[]
  readonly finalStores?: {
    readonly [store: string]: readonly { readonly key: any; readonly value: any; readonly ts?: number }[]
  }
}

export type AnyTopic = Topic<any, any>

export interface Scenario {
  readonly inputs: readonly AnyTopic[]
  readonly outputs: readonly AnyTopic[]
  readonly sinks: readonly Sink[]
  readonly options?: TestDriverOptions
  /** Writes bytes as they are: a poison pill. */
  readonly raw?: boolean
  /** Where revlog decided otherwise: why, and what it does instead. */
  readonly differs?: {
    readonly why: string
    readonly expected: (recorded: readonly Output[]) => readonly Output[]
  }
}

export const strings = (name: string): Topic<string, string> =>
  topic(name, { key: string(), value: string() })
export const numbered = (name: string): Topic<number, string> =>
  topic(name, { key: int32(), value: string() })
export const of = <K, V>(name: string, key: Serde<K>, value: Serde<V>): Topic<K, V> =>
  topic(name, { key, value })

function replay({ steps, expected, finalStores = {} }: Recorded, scenario: Scenario): void {
  using driver = new TopologyTestDriver(topology('scenario', scenario.sinks), scenario.options)
  const inputs = new Map(scenario.inputs.map((t) => [t.name, driver.inputTopic(t)]))
  const outputs = scenario.outputs.map((t) => driver.outputTopic(t))
  const seen: Output[] = []
  for (const { step, topic: name, key, value, ts, advanceWallClockMs } of steps) {
    if (advanceWallClockMs !== undefined) driver.advanceWallClockTime(milliseconds(advanceWallClockMs))
    if (name !== undefined) {
      const input = inputs.get(name)
      if (input === undefined) continue // of an operator that the scenario also covers, and this one does not
      const record = { key: key ?? undefined, value: value ?? undefined, timestamp: ts }
      const bytes = (text: any) => (text === undefined ? undefined : Buffer.from(String(text)))
      if (scenario.raw === true)
        input.pipeBytes({ ...record, key: bytes(record.key), value: bytes(record.value) })
      else input.pipeRecord(record)
    }
    for (const output of outputs) {
      for (const r of output.readRecordsToList()) {
        seen.push({
          afterStep: step,
          sink: output.topic,
          key: r.key ?? null,
          value: r.value ?? null,
          ts: r.timestamp,
        })
      }
    }
  }
  const names = outputs.map((output) => output.topic)
  const wanted = scenario.differs === undefined ? expected : scenario.differs.expected(expected)
  for (const sink of names) {
    assert.deepEqual(
      seen.filter((o) => o.sink === sink),
      wanted.filter((o) => o.sink === sink),
    )
  }
  for (const [name, rows] of Object.entries(finalStores)) {
    const spec = storesOf(driver.topology).find((s) => s.name === name)
    const store = driver.store<KeyValueStore<any, any>>(spec!)
    const wantedRows = rows.map(({ key, value, ts }) => ({
      key,
      value: ts === undefined ? value : { value, timestamp: ts },
    }))
    assert.deepEqual([...store.all()], wantedRows)
  }
}

export const conform = (file: string, scenario: () => Scenario): void =>
  conforms<Recorded>('kafka-streams', file, (recorded) => replay(recorded, scenario()))
