import type { KafkaClient } from '../../../lib/brokers/kafka/kafka-client.js'
import type { Plan } from '../../../lib/engine/plan.js'
import { namedParts } from '../../../lib/service/kafka/parts.js'
import type { Topology } from '../../../lib/topology/topology.js'
import { endsOf } from './reading.js'
import type { Supervised } from './supervisor.js'

export interface Place extends Supervised {
  readonly directory: string
}

export interface Application {
  readonly guarantee: string
  readonly topology: Topology
  readonly plan: Plan
  readonly client: KafkaClient
}

const LOOK_MS = 100

/**
 * Resolves when the members have answered everything: each says so of its tasks, together they have all tasks, and
 * meanwhile nothing was written any more.
 */
export async function restOf(
  { guarantee, topology, plan, client }: Application,
  places: readonly Place[],
  withinMs: number,
): Promise<void> {
  const parts = namedParts(topology, plan, guarantee === 'exactly_once', [])
  const tasks = parts.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => `${name}_${partition}`),
  )
  const written = parts.flatMap(({ changelog, partitions }) =>
    changelog === undefined
      ? []
      : Array.from({ length: partitions }, (_, partition) => ({ topic: changelog, partition })),
  )
  let found = ''
  let ends = ''
  for (const deadline = Date.now() + withinMs; ; ) {
    const left = deadline - Date.now()
    if (left < 0) throw new Error(`it does not come to rest within ${withinMs} ms: ${found}`)
    for (const { failure } of places) if (failure() !== undefined) throw new Error('a member ended by itself')
    const answers = await within(Promise.all(places.map((p) => (p.alive() ? p.rest() : undefined))), left)
    const before = ends
    // Tasks without a changelog leave no trace there; those behind them, in theirs, do.
    ends = (await endsOf(client, written, 'read_uncommitted')).join()
    const owned = answers?.flatMap((own) => own ?? []).sort() ?? []
    found = answers === undefined ? 'a member does not answer' : `owned are ${owned.join(', ')}`
    if (owned.join() === [...tasks].sort().join() && ends === before) return
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

async function within<T>(what: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([what, late])
  } finally {
    clearTimeout(timer)
  }
}
