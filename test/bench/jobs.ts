import { milliseconds } from '../../lib/core/duration.js'
import { stream } from '../../lib/dsl/sources.js'
import { bytes, int64, string } from '../../lib/serdes/primitives.js'
import { topic } from '../../lib/topology/topic.js'
import { type Topology, topology } from '../../lib/topology/topology.js'
import type { WorkloadName } from './workload.js'

/** A topology to be measured, and what it reads. */
export interface Job {
  readonly name: JobName
  readonly topology: Topology
  readonly workload: WorkloadName
  /** The topic of the workload's left and right records. */
  readonly inputs: readonly [left: string, right?: string]
  /** The program of the Java peer that does the same. */
  readonly peer: 'count' | 'asof-segmented' | undefined
}

export type JobName = 'chain' | 'count' | 'asof-hot' | 'asof-wide'

export const OUTPUT = 'out'

/** What a run's topics and its application are called, where it shares a broker with others. */
export interface JobNames {
  readonly application: string
  readonly left: string
  readonly right: string
  readonly output: string
}

export interface JobOptions {
  readonly graceMs: number
  readonly names?: JobNames
}

const namesOf = (application: string): JobNames => ({
  application,
  left: 'left',
  right: 'right',
  output: OUTPUT,
})
const raw = topic('raw', { key: bytes(), value: bytes() })
const rawOut = topic(OUTPUT, { key: bytes(), value: bytes() })
const input = (name: string) => topic(name, { key: string(), value: bytes() })

/** Five stateless steps that do next to nothing, on bytes: what is left is the engine and the operators. */
function chain(): Topology {
  const out = stream(raw)
    .filter((value) => value.length > 0)
    .mapValues((value) => value, { value: bytes() })
    .peek(() => {})
    .filterNot((value) => value.length === 0)
    .mapValues((value) => value, { value: bytes() })
  return topology('chain', [out.to(rawOut)])
}

function count({ application, left, output }: JobNames): Topology {
  const counted = stream(input(left)).groupByKey().count({ name: 'counts' })
  return topology(application, [counted.toStream().to(topic(output, { key: string(), value: int64() }))])
}

/** The number of an event: the first 8 bytes of its value. */
const numberOf = (value: Buffer): number => value.readDoubleBE(0)

/** The join of the Java peer: the left value, then the number of the right one, or NaN; the id is the left's number. */
function asOf({ application, left, right, output }: JobNames, graceMs: number): Topology {
  const joined = stream(input(left)).asOfJoin(stream(input(right)), {
    name: 'as-of',
    id: (value) => String(numberOf(value)),
    join(value, known): Buffer {
      const answer = Buffer.allocUnsafe(value.length + 8)
      value.copy(answer)
      answer.writeDoubleBE(known === undefined ? Number.NaN : numberOf(known), value.length)
      return answer
    },
    equals: (a, b) => a.equals(b),
    gracePeriod: milliseconds(graceMs),
  })
  return topology(application, [joined.toStream().to(topic(output, { key: string(), value: bytes() }))])
}

export function jobOf(name: JobName, { graceMs, names }: JobOptions): Job {
  switch (name) {
    case 'chain':
      return { name, topology: chain(), workload: 'count', inputs: ['raw'], peer: undefined }
    case 'count': {
      const called = names ?? namesOf('count')
      return { name, topology: count(called), workload: 'count', inputs: [called.left], peer: 'count' }
    }
    case 'asof-hot':
    case 'asof-wide': {
      const called = names ?? namesOf('as-of')
      return {
        name,
        topology: asOf(called, graceMs),
        workload: name,
        inputs: [called.left, called.right],
        peer: 'asof-segmented',
      }
    }
  }
}
