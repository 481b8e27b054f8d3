import { createMetrics, type Metrics } from '../core/metrics.js'
import type { LogRecord, ProducerRecord, Record } from '../core/record.js'
import { trusted } from '../serdes/serde.js'
import { checkFingerprints } from '../state/fingerprints.js'
import type { StateBackend, StoreWrites } from '../state/port.js'
import { createWriteBuffer, type WriteBuffer } from '../state/write-buffer.js'
import type { DropReason } from '../topology/processor.js'
import type { Input, SubTopology } from '../topology/sub-topology.js'
import type { Effects } from './effects.js'
import {
  type Current,
  checkPolicies,
  createFailures,
  type ErrorPolicies,
  type ErrorPolicy,
  FAIL_ON_ERROR,
  type Failures,
} from './errors.js'
import { createInputQueue, type InputQueue } from './input-queue.js'
import { decodeMetadata, encodeMetadata, type TaskMetadata } from './metadata.js'
import { createPunctuator } from './punctuation.js'
import { isReady, waitsUntil } from './readiness.js'
import { createReceived } from './received.js'
import { createSourceHeaders } from './source-headers.js'
import { wire } from './wiring.js'

export interface TaskOptions {
  readonly part: SubTopology
  readonly partition: number
  /** How many partitions, and so tasks, the sub-topology has. */
  readonly partitions: number
  /** The inputs that have this partition; all when absent. */
  readonly inputs?: readonly Input[]
  readonly state: StateBackend
  readonly errors?: ErrorPolicies
  /** Kafka Streams' `max.task.idle.ms`: -1 never waits, 0 (default) for data known to be in the log, more also for producers. */
  readonly maxTaskIdleMs?: number
  readonly generation?: number
  /** Outputs say what they were made from, see `source-headers.ts`. */
  readonly sourceHeaders?: boolean
  /** Milliseconds since the epoch, handed in. */
  readonly wallTime: number
}

/**
 * One sub-topology on one partition. Synchronous, without clock, timer, promise or network: the same records in
 * the same order give the same effects, whoever calls. A user's function that throws under the policy `fail`
 * leaves the task unusable: throw it away and make a new one from the last commit.
 */
export interface Task {
  /** `<sub-topology>_<partition>`. */
  readonly id: string
  readonly part: SubTopology
  readonly partition: number
  readonly topics: readonly string[]
  readonly metrics: Metrics
  readonly streamTime: () => number
  /** The next offset to be processed; `undefined` when the task has never read that topic: then call `seek`. */
  readonly position: (topic: string) => number | undefined
  readonly seek: (topic: string, offset: number) => void
  /** Hands records over, in offset order. `endOffset`: the log's end as far as it is known. */
  readonly add: (topic: string, records: readonly LogRecord[], endOffset?: number) => void
  /** Records of a topic that wait, so that the host can stop fetching. */
  readonly buffered: (topic: string) => number
  /**
   * Processes up to `limit` records, as long as one may be chosen; says how many. It stops before a record that
   * cannot be decoded when the policy is `fail`, and throws when that is the first.
   */
  readonly process: (wallTime: number, limit?: number) => number
  /** Fires wall-clock timers that are due. True when any was. */
  readonly punctuate: (wallTime: number) => boolean
  /**
   * The wall-clock time at which `punctuate` or `process` may have something to do although no record was added:
   * the next wall-clock timer, or the end of waiting for an idle input. Infinity when there is no such time.
   */
  readonly wakeAt: () => number
  /** Whether there is anything to commit. */
  readonly dirty: () => boolean
  /** About how many bytes wait for the commit, outputs and state together. */
  readonly pendingBytes: () => number
  readonly effects: () => Effects
  /** The effects are durable now. */
  readonly committed: () => void
  /** A store by name, as processors see it. */
  readonly store: (name: string) => unknown
  readonly close: () => void
}

export function createTask(options: TaskOptions): Task {
  const { part, partition, state, errors = FAIL_ON_ERROR, maxTaskIdleMs = 0 } = options
  const id = `${part.id}_${partition}`
  checkPolicies(
    errors,
    part.inputs.map((input) => input.topic.name),
  )
  const stored = restoredMetadata(state)
  const fingerprints = checkFingerprints(stored.stores, part.stores)
  const generation = Math.max(options.generation ?? 0, stored.generation)
  const metrics = createMetrics()
  const current: Current = { topic: '', raw: undefined }
  let streamTime = stored.streamTime
  let wallTime = options.wallTime
  let outputs: ProducerRecord[] = []
  let outputBytes = 0
  let dirty = false

  const send = (record: ProducerRecord): void => {
    outputs.push(record)
    outputBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
  }
  const failures = createFailures(id, partition, errors, metrics, current, send)
  const buffers: WriteBuffer[] = []
  const flushes: (() => void)[] = []
  const stores = new Map<string, unknown>()
  for (const spec of part.stores) {
    const rows = createWriteBuffer(spec.name, state.rows(spec.name))
    buffers.push(rows)
    stores.set(spec.name, spec.open({ rows, onFlush: (flush) => flushes.push(flush) }))
  }
  const punctuator = createPunctuator(
    stored.timers,
    () => wallTime,
    (operator, run) => {
      current.raw = undefined
      dirty = true
      try {
        run()
      } catch (thrown) {
        failures.handle(errors.processing, 'processing-error', thrown, operator)
      }
    },
  )
  const wiring = wire(part, {
    task: id,
    partition,
    partitions: options.partitions,
    generation,
    stores,
    metrics,
    failures,
    policies: errors,
    punctuator,
    current,
    send,
    signed: options.sourceHeaders === true ? createSourceHeaders(current, partition) : (record) => record,
    streamTime: () => streamTime,
    wallTime: () => wallTime,
  })
  const received = createReceived(stored.received, metrics.counter('repeated-records'))
  const inputs = (options.inputs ?? part.inputs).map((input) => {
    const { name } = input.topic
    const decode = decoder(input, current, failures, errors)
    const queue = input.internal
      ? createInputQueue(
          name,
          (raw) => {
            const record = decode(raw)
            if (record === undefined) received.took(name)
            return record
          },
          (raw) => received.admit(name, raw),
        )
      : createInputQueue(name, decode)
    const position = stored.positions[input.topic.name]
    if (position !== undefined) queue.seek(position)
    return { queue, process: wiring.entries[part.inputs.indexOf(input)]! }
  })
  const queues: readonly InputQueue[] = inputs.map((input) => input.queue)
  const queueOf = (topic: string): InputQueue => {
    const queue = queues.find((q) => q.topic === topic)
    if (queue === undefined) throw new RangeError(`task ${id} does not read topic ${topic}`)
    return queue
  }
  const processed = metrics.counter('process-total')
  const lateness = metrics.histogram('record-lateness')

  /** The input whose head has the smallest event time; among equals the first, as the topology names them. */
  function choose(): (typeof inputs)[number] | undefined {
    let chosen: (typeof inputs)[number] | undefined
    let least = Infinity
    for (let i = 0; i < inputs.length; i++) {
      const { head } = inputs[i]!.queue
      if (head !== undefined && head.timestamp < least) {
        least = head.timestamp
        chosen = inputs[i]
      }
    }
    return chosen
  }

  return {
    id,
    part,
    partition,
    topics: queues.map((queue) => queue.topic),
    metrics,
    streamTime: () => streamTime,
    position: (topic) => queueOf(topic).position,
    seek: (topic, offset) => queueOf(topic).seek(offset),
    add(topic, records, endOffset) {
      queueOf(topic).add(records, endOffset)
      if (records.length > 0) dirty = true // even when every one of them is dropped, the position moves
    },
    buffered: (topic) => queueOf(topic).size,
    process(now, limit = Infinity) {
      wallTime = now
      let n = 0
      while (n < limit && isReady(queues, maxTaskIdleMs, now)) {
        const input = choose()
        if (input === undefined) break
        const { queue } = input
        if (queue.failure !== undefined) {
          if (n > 0) break // what came before it can be committed; the next call fails
          throw queue.failure
        }
        const record = queue.head!
        current.topic = queue.topic
        current.raw = queue.raw
        if (record.timestamp > streamTime) streamTime = record.timestamp
        else if (record.timestamp < streamTime) lateness.record(streamTime - record.timestamp)
        input.process(record)
        received.took(queue.topic)
        queue.shift()
        n++
        punctuator.fire('stream-time', streamTime)
      }
      current.raw = undefined
      if (n > 0) {
        processed.add(n)
        dirty = true
      }
      return n
    },
    punctuate(now) {
      wallTime = now
      return punctuator.fire('wall-clock-time', now)
    },
    wakeAt: () => Math.min(punctuator.due('wall-clock-time'), waitsUntil(queues)),
    dirty: () => dirty,
    pendingBytes: () => buffers.reduce((sum, buffer) => sum + buffer.bytes, outputBytes),
    effects() {
      for (const flush of flushes) flush()
      const writes: StoreWrites[] = []
      for (const buffer of buffers) {
        const changed = buffer.writes()
        if (changed.length > 0) writes.push({ store: buffer.store, writes: changed })
      }
      const positions = new Map<string, number>(Object.entries(stored.positions))
      for (const queue of queues) if (queue.position !== undefined) positions.set(queue.topic, queue.position)
      const metadata = encodeMetadata({
        positions: Object.fromEntries(positions),
        streamTime,
        timers: punctuator.state(),
        generation,
        ...received.state(),
        stores: fingerprints,
      })
      return { outputs, writes, metadata, positions }
    },
    committed() {
      for (const buffer of buffers) buffer.clear()
      outputs = []
      outputBytes = 0
      dirty = false
    },
    store: (name) => stores.get(name),
    close: wiring.close,
  }
}

const FRESH: TaskMetadata = {
  positions: {},
  streamTime: -1,
  timers: {},
  generation: 0,
  stores: {},
}

function restoredMetadata(state: StateBackend): TaskMetadata {
  const bytes = state.metadata()
  return bytes === undefined ? FRESH : decodeMetadata(bytes)
}

/** Turns raw records of an input into records with event time, or drops them by policy. */
function decoder(
  input: Input,
  current: Current,
  failures: Failures,
  errors: ErrorPolicies,
): (raw: LogRecord) => Record<unknown, unknown> | undefined {
  const { topic, internal } = input
  const keys = internal ? trusted(topic.key) : topic.key
  const values = internal ? trusted(topic.value) : topic.value
  const { timestamp: extract } = topic

  const timeOf = (raw: LogRecord, value: unknown): number => {
    const time = extract === undefined || value === undefined ? raw.timestamp : extract(value, raw)
    if (time !== undefined && Number.isSafeInteger(time) && time >= 0) return time
    throw new RangeError(
      `the event time is ${String(time)}: it must be a whole number of milliseconds since the epoch, 0 or more`,
    )
  }
  const refuse = (policy: ErrorPolicy, reason: DropReason, thrown: unknown): undefined => {
    failures.handle(policy, reason, thrown, undefined)
    return undefined
  }
  const decode = (raw: LogRecord): Record<unknown, unknown> | undefined => {
    let key: unknown
    let value: unknown
    try {
      key = raw.key === undefined ? undefined : keys.decode(raw.key)
      value = raw.value === undefined ? undefined : values.decode(raw.value)
    } catch (thrown) {
      return refuse(errors.deserialization, 'deserialization-error', thrown)
    }
    try {
      return { key, value, timestamp: timeOf(raw, value), headers: raw.headers }
    } catch (thrown) {
      return refuse(errors.timestamp, 'invalid-timestamp', thrown)
    }
  }
  return (raw) => {
    const { topic: before, raw: beforeRaw } = current
    current.topic = topic.name
    current.raw = raw
    try {
      return decode(raw)
    } finally {
      current.topic = before
      current.raw = beforeRaw
    }
  }
}
