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
const lefts = topic('left', { key: string(), value: bytes() })
const rights = topic('right', { key: string(), value: bytes() })
const raw = topic('raw', { key: bytes(), value: bytes() })
const rawOut = topic(OUTPUT, { key: bytes(), value: bytes() })
const counts = topic(OUTPUT, { key: string(), value: int64() })
const answers = topic(OUTPUT, { key: string(), value: bytes() })

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

const count = (): Topology =>
  topology('count', [stream(lefts).groupByKey().count({ name: 'counts' }).toStream().to(counts)])

/** The number of an event: the first 8 bytes of its value. */
const numberOf = (value: Buffer): number => value.readDoubleBE(0)

/** The join of the Java peer: the left value, then the number of the right one, or NaN; the id is the left's number. */
function asOf(graceMs: number): Topology {
  const joined = stream(lefts).asOfJoin(stream(rights), {
    name: 'as-of',
    id: (left) => String(numberOf(left)),
    join(left, right): Buffer {
      const answer = Buffer.allocUnsafe(left.length + 8)
      left.copy(answer)
      answer.writeDoubleBE(right === undefined ? Number.NaN : numberOf(right), left.length)
      return answer
    },
    equals: (a, b) => a.equals(b),
    gracePeriod: milliseconds(graceMs),
  })
  return topology('as-of', [joined.toStream().to(answers)])
}

export function jobOf(name: JobName, { graceMs }: { readonly graceMs: number }): Job {
  switch (name) {
    case 'chain':
      return { name, topology: chain(), workload: 'count', inputs: ['raw'], peer: undefined }
    case 'count':
      return { name, topology: count(), workload: 'count', inputs: ['left'], peer: 'count' }
    case 'asof-hot':
    case 'asof-wide':
      return {
        name,
        topology: asOf(graceMs),
        workload: name,
        inputs: ['left', 'right'],
        peer: 'asof-segmented',
      }
  }
}
