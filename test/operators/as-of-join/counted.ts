import { milliseconds } from '../../../lib/core/duration.js'
import { NO_HEADERS } from '../../../lib/core/record.js'
import { stream } from '../../../lib/dsl/sources.js'
import { createTask, type Task } from '../../../lib/engine/task.js'
import type { AsOfJoinOptions } from '../../../lib/operators/as-of-join/index.js'
import { json } from '../../../lib/serdes/json.js'
import { string } from '../../../lib/serdes/primitives.js'
import { createMemoryBackend } from '../../../lib/state/memory/index.js'
import type { StateBackend } from '../../../lib/state/port.js'
import { topic } from '../../../lib/topology/topic.js'
import { topology } from '../../../lib/topology/topology.js'

const lefts = topic('lefts', { key: string(), value: json<string>() })
const rights = topic('rights', { key: string(), value: json<number>() })
const answers = topic('answers', { key: string(), value: json<string>() })

/** A backend that counts the rows that are read from it and written to it, and those that it holds. */
function counted(backend: StateBackend) {
  const rows = { read: 0, written: 0 }
  const held = new Map<string, number>()
  const counting: StateBackend = {
    ...backend,
    rows(store) {
      const below = backend.rows(store)
      return {
        get(key) {
          rows.read++
          return below.get(key)
        },
        scan(scan) {
          const found = below.scan(scan)
          rows.read += Math.max(1, found.length)
          return found
        },
      }
    },
    commit(stores, metadata) {
      for (const { writes } of stores) {
        rows.written += writes.length
        for (const { key, value } of writes) {
          if (value === undefined) held.delete(key)
          else held.set(key, key.length + value.length)
        }
      }
      backend.commit(stores, metadata)
    },
  }
  return { backend: counting, rows, held }
}

/** What one record cost. */
export interface Cost {
  readonly rows: number
  /** Answers emitted or found to be the same. */
  readonly answers: number
}

/** A join on a backend that counts: one task, called as a host calls it. */
export function countedJoin(
  options: Partial<AsOfJoinOptions<string, string, number, string, 'left', string>>,
) {
  const { backend, rows, held } = counted(createMemoryBackend())
  const joined = stream(lefts).asOfJoin(stream(rights), {
    name: 'join',
    id: (left) => left,
    join: (left, right): string => `${left}+${right}`,
    gracePeriod: milliseconds(1_000_000_000),
    ...options,
  })
  const part = topology('cost', [joined.toStream().to(answers)]).subTopologies.first()!
  const offsets = { lefts: 0, rights: 0 }
  const open = (): Task => {
    const task = createTask({ part, partition: 0, state: backend, maxTaskIdleMs: -1, wallTime: 0 })
    for (const name of ['lefts', 'rights'] as const) task.seek(name, offsets[name])
    return task
  }
  let task = open()
  let uncommitted = 0

  function commit(): number {
    const { outputs, writes, metadata } = task.effects()
    const answered = outputs.length
    backend.commit(writes, metadata)
    task.committed()
    uncommitted = 0
    return answered
  }
  function add(name: 'lefts' | 'rights', key: string, value: unknown, timestamp: number): void {
    const bytes = value === undefined ? undefined : Buffer.from(JSON.stringify(value))
    const record = {
      offset: offsets[name]++,
      timestamp,
      key: Buffer.from(key),
      value: bytes,
      headers: NO_HEADERS,
    }
    task.add(name, [record])
    task.process(0)
    if (++uncommitted === 500) commit()
  }
  const suppressed = (): number => task.metrics.snapshot().counters.get('join.suppressed') ?? 0
  /** One record in a commit of its own. */
  const priced = (act: () => void): Cost => {
    commit()
    const before = rows.read + rows.written
    const same = suppressed()
    act()
    const answered = commit()
    return { rows: rows.read + rows.written - before, answers: answered + suppressed() - same }
  }
  const left = (id: string, t: number, key = 'k'): void => add('lefts', key, id, t)
  const right = (value: number | undefined, t: number, key = 'k'): void => add('rights', key, value, t)
  return {
    left,
    right,
    priceOfLeft: (id: string, t: number, key = 'k') => priced(() => left(id, t, key)),
    priceOfRight: (value: number | undefined, t: number, key = 'k') => priced(() => right(value, t, key)),
    commit,
    /** Nothing is in memory any more. */
    restart() {
      commit()
      task.close()
      task = open()
    },
    rowsHeld: () => held.size,
    bytesHeld: () => [...held.values()].reduce((sum, size) => sum + size, 0),
  }
}
