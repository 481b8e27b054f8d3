import assert from 'node:assert/strict'
import { type Duration, json, milliseconds, stream, string, table, topic, topology } from '../../lib/index.js'
import { type TestDriverOptions, TopologyTestDriver } from '../../test-driver/index.js'
import { conforms } from '../conformance.js'
import { ticking, ticks, words } from './topologies.js'

interface Recorded {
  readonly config?: { readonly 'max.task.idle.ms'?: string }
  readonly steps: readonly {
    readonly step: number
    readonly topic?: string
    readonly key?: string
    readonly value?: string
    readonly ts?: number
    readonly advanceWallClockMs?: number
  }[]
  readonly expected: readonly {
    readonly afterStep: number
    readonly sink: string
    readonly key: string | null
    readonly value: string
    readonly ts: number
  }[]
}

const text = { key: string(), value: string() }
const output = topic('output', text)
const [input1, input2, s, t] = ['input1', 'input2', 's', 't'].map((name) => topic(name, text)) as [
  typeof output,
  typeof output,
  typeof output,
  typeof output,
]
const merging = topology('merging', [stream(input1).merge(stream(input2)).to(output)])
const joining = topology('joining', [
  stream(s)
    .join(table(t), (left, right) => `${left}-${right}`, { name: 'joined', value: string() })
    .to(output),
])

/** Does the steps and compares everything that was written, step by step. */
function replay(
  app: typeof merging,
  recorded: Recorded,
  sinkOf: (key: string | undefined) => string,
  out = output,
) {
  const idle = recorded.config?.['max.task.idle.ms']
  const options: TestDriverOptions = idle === undefined ? {} : { maxTaskIdle: milliseconds(Number(idle)) }
  using driver = new TopologyTestDriver(app, options)
  const written = recorded.steps.flatMap((step) => {
    if (step.advanceWallClockMs !== undefined) {
      driver.advanceWallClockTime(step.advanceWallClockMs as Duration)
    } else {
      const name = step.topic === 'in' ? 'words' : step.topic!
      driver.inputTopic(topic(name, text)).pipeInput(step.key, step.value, step.ts)
    }
    return driver
      .outputTopic(out)
      .readRecordsToList()
      .map(({ key, value, timestamp }) => ({
        afterStep: step.step,
        sink: sinkOf(key),
        key: key === 'punctuation' ? null : key,
        value,
        ts: timestamp,
      }))
  })
  assert.deepEqual(written, recorded.expected)
}

describe('time in the driver', () => {
  conforms<Recorded>('kafka-streams', 'task-idling', (r) => replay(merging, r, () => 'output'))
  conforms<Recorded>('kafka-streams', 'task-idling-orders-by-timestamp', (r) =>
    replay(joining, r, () => 'output'),
  )
  conforms<Recorded>('kafka-streams', 'no-idling-arrival-order', (r) => replay(joining, r, () => 'output'))
  const sinkOfTick = (key: string | undefined) => (key === 'punctuation' ? 'punctuation' : 'record')
  conforms<Recorded>('kafka-streams', 'punctuate-stream-time', (r) =>
    replay(ticking('stream-time'), r, sinkOfTick, ticks),
  )
  conforms<Recorded>('kafka-streams', 'punctuate-wall-clock', (r) =>
    replay(ticking('wall-clock-time'), r, sinkOfTick, ticks),
  )

  it('wall-clock time starts where it is told to, and moves only when told to', () => {
    using driver = new TopologyTestDriver(ticking('wall-clock-time'), { wallTime: 1_000 })
    driver.inputTopic(words).pipeInput('k', 'v', 50_000)
    assert.equal(driver.wallTime, 1_000)
    driver.advanceWallClockTime(milliseconds(9))
    assert.deepEqual(driver.outputTopic(ticks).readValuesToList(), ['v'])
    driver.advanceWallClockTime(milliseconds(1))
    assert.deepEqual(driver.outputTopic(ticks).readValuesToList(), ['punctuate@1010'])
  })

  it('timers go on after a restart and after a wipe', () => {
    using driver = new TopologyTestDriver(ticking('stream-time'))
    const input = driver.inputTopic(words)
    const fired = () =>
      driver
        .outputTopic(ticks)
        .readValuesToList()
        .filter((value) => value?.startsWith('punctuate'))
    input.pipeInput('k', '', 15)
    driver.restart()
    input.pipeInput('k', '', 19)
    driver.wipe()
    input.pipeInput('k', '', 20)
    assert.deepEqual(fired(), ['punctuate@15', 'punctuate@20'])
  })

  it('event time comes from the value where the topic says so', () => {
    const events = topic('events', {
      key: string(),
      value: json<{ at: number }>(),
      timestamp: (event) => event.at,
    })
    const out = topic('events-out', { key: string(), value: json<{ at: number }>() })
    using driver = new TopologyTestDriver(topology('app', [stream(events).to(out)]))
    driver.inputTopic(events).pipeInput('k', { at: 42 }, 7)
    assert.equal(driver.outputTopic(out).readRecord().timestamp, 42)
    assert.equal(driver.tasks()[0]?.streamTime, 42)
  })
})
