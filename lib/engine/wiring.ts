import { RevlogError } from '../core/errors.js'
import type { Metrics } from '../core/metrics.js'
import type { ProducerRecord, Record } from '../core/record.js'
import { trusted } from '../serdes/serde.js'
import type { StoreSpec } from '../state/store.js'
import type { ProcessorNode, RepartitionNode, SinkNode, StreamNode } from '../topology/node.js'
import type { ProcessorContext } from '../topology/processor.js'
import { repartitionTopic } from '../topology/repartition-topic.js'
import type { SubTopology } from '../topology/sub-topology.js'
import type { Current, ErrorPolicies, Failures } from './errors.js'
import type { Punctuator } from './punctuation.js'

type Process = (record: Record<any, any>) => void

/** What the nodes of a task share. */
export interface Wires {
  readonly task: string
  readonly partition: number
  readonly partitions: number
  readonly generation: number
  readonly stores: ReadonlyMap<string, unknown>
  readonly metrics: Metrics
  readonly failures: Failures
  readonly policies: ErrorPolicies
  readonly punctuator: Punctuator
  readonly current: Current
  readonly send: (record: ProducerRecord) => void
  /** Makes the record that a sink sends. */
  readonly signed: (record: ProducerRecord) => ProducerRecord
  readonly streamTime: () => number
  readonly wallTime: () => number
}

export interface Wiring {
  /** Where the records of an input topic enter, in the order of `SubTopology.inputs`. */
  readonly entries: readonly Process[]
  readonly close: () => void
}

/** Turns the description into closures, once: children first, so that a parent's `emit` is its child's function. */
export function wire(part: SubTopology, wires: Wires): Wiring {
  const processes = new Map<object, readonly Process[]>()
  const closers: (() => void)[] = []

  const downstream = (node: StreamNode): Process => {
    const targets = (part.edges.get(node) ?? []).map(({ child, input }) => processes.get(child)![input]!)
    return fanOut(targets)
  }

  for (const exit of part.exits)
    processes.set(exit, [repartitionSink(part.application, exit, part.names.get(exit)!, wires)])
  for (const node of [...part.nodes].reverse()) {
    const name = part.names.get(node)!
    if (node.kind === 'sink') {
      processes.set(node, [topicSink(node, name, wires)])
      continue
    }
    const made = node.create(contextOf(node, name, downstream(node), wires))
    const inputs: readonly Process[] = 'inputs' in made ? made.inputs : node.parents.map(() => made.process)
    processes.set(
      node,
      inputs.map((process) => guard(process, name, wires)),
    )
    if (made.close !== undefined) closers.push(made.close)
  }
  return {
    entries: part.inputs.map((input) => fanOut(input.entries.map(downstream))),
    close: () => {
      for (const close of closers) close()
    },
  }
}

function fanOut(targets: readonly Process[]): Process {
  const [first, second] = targets
  if (first === undefined) return () => {}
  if (second === undefined) return first
  if (targets.length === 2) {
    return (record) => {
      first(record)
      second(record)
    }
  }
  return (record) => {
    for (const target of targets) target(record)
  }
}

/** The one place where what a node throws is caught: it knows the operator, and the policy decides. */
function guard(process: Process, operator: string, { failures, policies }: Wires): Process {
  return (record) => {
    try {
      process(record)
    } catch (thrown) {
      failures.handle(policies.processing, 'processing-error', thrown, operator)
    }
  }
}

function contextOf(node: ProcessorNode, name: string, emit: Process, wires: Wires): ProcessorContext {
  const { failures, policies, punctuator, metrics, current, partition } = wires
  return {
    emit,
    store<S>(spec: StoreSpec<S>): S {
      if (!node.stores.includes(spec)) {
        throw new RevlogError(
          'E_STORE_NOT_CONNECTED',
          `store ${spec.name} is not among the operator's stores`,
          {
            at: { operator: name },
            remedy: 'name it in the stores option of the operator',
          },
        )
      }
      return wires.stores.get(spec.name) as S
    },
    schedule: (interval, type, callback) => {
      if (!(interval > 0)) {
        throw new RevlogError(
          'E_DURATION',
          `a punctuation needs an interval of at least 1 ms, not ${interval}`,
          {
            at: { operator: name },
            remedy: 'give a duration such as seconds(1)',
          },
        )
      }
      return punctuator.schedule(name, interval, type, callback)
    },
    metrics: {
      counter: (metric) => metrics.counter(`${name}.${metric}`),
      gauge: (metric) => metrics.gauge(`${name}.${metric}`),
      histogram: (metric) => metrics.histogram(`${name}.${metric}`),
      snapshot: () => metrics.snapshot(),
    },
    drop: (reason, { deadLetter = true } = {}) => failures.drop(reason, name, deadLetter),
    divert: (topic, reason, headers = []) => failures.divert(topic, reason, name, headers),
    attempt: (run) => {
      try {
        run()
        return true
      } catch (thrown) {
        failures.handle(policies.processing, 'processing-error', thrown, name)
        return false
      }
    },
    recordMetadata: () =>
      current.raw === undefined ? undefined : { topic: current.topic, partition, offset: current.raw.offset },
    streamTime: wires.streamTime,
    wallTime: wires.wallTime,
    task: wires.task,
    partition,
    partitions: wires.partitions,
    generation: wires.generation,
  }
}

function topicSink(node: SinkNode, name: string, wires: Wires): Process {
  const { topic } = node
  const { send, signed } = wires
  return guard(
    ({ key, value, timestamp, headers }) =>
      send(
        signed({
          topic: topic.name,
          partition: undefined,
          key: key === undefined ? undefined : topic.key.encode(key),
          value: value === undefined ? undefined : topic.value.encode(value),
          timestamp,
          headers,
        }),
      ),
    name,
    wires,
  )
}

/** A record without a key has no partition to go to: dropped and counted, as Kafka Streams does before a repartition topic. */
function repartitionSink(application: string, exit: RepartitionNode, name: string, wires: Wires): Process {
  const topic = repartitionTopic(application, exit.name)
  const { send, failures } = wires
  const key = trusted(exit.key)
  const value = trusted(exit.value)
  return guard(
    (record) => {
      if (record.key === undefined || record.key === null) return failures.drop('null-key', name, true)
      send({
        topic,
        partition: undefined,
        key: key.encode(record.key),
        value: record.value === undefined ? undefined : value.encode(record.value),
        timestamp: record.timestamp,
        headers: record.headers,
      })
    },
    name,
    wires,
  )
}
