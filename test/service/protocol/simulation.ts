import assert from 'node:assert/strict'
import { planTasks } from '../../../lib/engine/plan.js'
import type { KeyValueStore } from '../../../lib/state/stores/key-value-store.js'
import type { TimestampedKeyValueStore } from '../../../lib/state/stores/timestamped-key-value-store.js'
import type { Topology } from '../../../lib/topology/topology.js'
import { createRandom } from '../../state/random.js'
import { type Order, orders, type Price, prices } from './sim-application.js'
import { createSimDisk, type SimDisk } from './sim-disk.js'
import { createSimKafka } from './sim-kafka.js'
import { type Guarantee, type Mutant, type SimProcess, type SimTask, startProcess } from './sim-process.js'
import { greatestRevisions, type Truth, truthOf } from './truth.js'

/** What may happen to the processes; everything else always may. */
export interface Faults {
  readonly crashes: boolean
  readonly wipes: boolean
  readonly powerLoss: boolean
  /** Tasks move, and those who lose them hear of it late. */
  readonly moves: boolean
  readonly lostAnswers: boolean
  readonly zombies: boolean
}

export interface Outcome {
  readonly truth: Truth
  /** What the topics say at the end. */
  readonly priced: ReadonlyMap<string, string>
  /** The greatest count that was answered for each key, and how often it was answered. */
  readonly counts: ReadonlyMap<string, number>
  /** How many answers were repeated. */
  readonly repeated: number
  /** What the stores hold at the end. */
  readonly stores: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly takeovers: number
}

const PROCESSES = 3
const PARTITIONS = 2
const ROUNDS = 2
/** Of each round in which things go wrong. */
const EVENTS = 120

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Runs one application on simulated machines, with everything that goes wrong decided by the seed. */
export async function simulate(
  seed: number,
  topology: Topology,
  guarantees: Guarantee | readonly [first: Guarantee, second: Guarantee],
  faults: Faults,
  mutant: Mutant = {},
): Promise<Outcome> {
  const random = createRandom(seed)
  let guarantee = typeof guarantees === 'string' ? guarantees : guarantees[0]
  const kafka = createSimKafka(PARTITIONS)
  const plan = planTasks(topology, () => PARTITIONS)
  const tasks: readonly SimTask[] = plan.tasks.map((planned) => {
    const { part } = planned
    const name = part.stores[0]?.name ?? `part-${part.id}`
    const outboxTopics = new Set(part.outputs.filter((o) => o.internal).map((o) => o.topic))
    const keeps = part.stores.length > 0 || outboxTopics.size > 0
    return {
      name,
      planned,
      outboxTopics,
      changelog: keeps ? `${topology.name}-${name}-changelog` : undefined,
    }
  })
  const disks = new Map<string, SimDisk>()
  const owner = new Map<SimTask, { readonly process: number; readonly generation: number }>()
  const processes: SimProcess[] = []
  let failure: unknown
  let calm = false
  let generation = 0

  const allOrders: Order[] = []
  const allPrices: Price[] = []

  function start(slot: number): SimProcess {
    return startProcess({
      random,
      kafka,
      guarantee,
      mutant,
      partitionsOf: () => PARTITIONS,
      disk: (task) => {
        const key = `${slot}/${task.name}/${task.planned.partition}`
        const known = disks.get(key)
        if (known !== undefined) return known
        const made = createSimDisk()
        disks.set(key, made)
        return made
      },
      // Each commit at once to the disk, several together, or none before the process ends.
      transactionRows: seed % 3 === 0 ? 1_000 : 1 + (seed % 9),
      generation: (task) => owner.get(task)!.generation,
      stepCrash: () => (calm || !faults.crashes ? 0 : 0.02),
      onError: (thrown) => {
        failure ??= thrown
      },
    })
  }

  function give(task: SimTask, slot: number): void {
    const before = owner.get(task)
    owner.set(task, { process: slot, generation: ++generation })
    // Who loses a task hears of it when it next hears anything; a frozen one, much later.
    const loser = before === undefined ? undefined : processes[before.process]
    if (loser !== undefined && loser !== processes[slot] && (!faults.zombies || !loser.frozen()))
      loser.revoke(task)
    processes[slot]!.assign(task, generation)
  }

  function restart(slot: number): void {
    processes[slot]!.kill()
    for (const [key, disk] of disks) {
      if (!key.startsWith(`${slot}/`)) continue
      if (faults.wipes && random.chance(0.15)) disk.wipe()
      else if (faults.powerLoss && random.chance(0.15)) disk.powerLoss(random.integer(4))
    }
    dead.push(processes[slot]!)
    processes[slot] = start(slot)
    for (const [task, { process }] of owner) {
      if (process === slot) give(task, faults.moves ? random.integer(PROCESSES) : slot)
    }
  }
  const dead: SimProcess[] = []

  function produce(): void {
    const who = `who-${random.integer(4)}`
    const partition = Number(who.slice(-1)) % PARTITIONS
    const at = random.integer(1_000)
    const key = Buffer.from(who)
    if (random.chance(0.5)) {
      const order: Order = { id: `o${allOrders.length}`, who, at }
      allOrders.push(order)
      kafka.append({ topic: orders.name, partition, key, value: json(order), timestamp: at, headers: [] })
    } else {
      const price: Price = { who, price: random.integer(100) + 1, at }
      allPrices.push(price)
      kafka.append({ topic: prices.name, partition, key, value: json(price), timestamp: at, headers: [] })
    }
  }

  function fault(): void {
    const slot = random.integer(PROCESSES)
    const kind = random.integer(3)
    if (kind === 0 && faults.crashes) restart(slot)
    else if (kind === 1 && faults.moves) give(random.pick(tasks), slot)
    else if (kind === 2 && faults.zombies) processes[slot]!.freeze(!processes[slot]!.frozen())
  }

  /** Lets one thing happen somewhere. */
  async function event(): Promise<void> {
    for (const [slot, process] of processes.entries()) if (process.dead()) restart(slot)
    const live = [...processes, ...dead].filter((process) => process.wire.busy() && !process.frozen())
    if (live.length > 0) random.pick(live).wire.deliver(!calm && faults.lostAnswers)
    await turn()
    if (failure !== undefined) throw failure
  }

  for (let slot = 0; slot < PROCESSES; slot++) processes.push(start(slot))
  for (const task of tasks) give(task, random.integer(PROCESSES))
  for (let round = 0; round < ROUNDS; round++) {
    calm = false
    for (let i = 0; i < EVENTS; i++) {
      if (round === 0 && i === EVENTS / 2 && typeof guarantees !== 'string') {
        guarantee = guarantees[1]
        for (const [slot] of processes.entries()) restart(slot)
      }
      if (random.chance(0.15)) produce()
      if (random.chance(0.03)) fault()
      kafka.advance(1)
      await event()
    }
    calm = true
    // Frozen ones wake up, as zombies; then everybody hears everything.
    for (const process of processes) process.freeze(false)
    // Nobody but the broker ends what an owner under the other guarantee has left open.
    if (guarantee === 'at_least_once') kafka.expireTransactions()
    for (let i = 0; i < 20; i++) await event()
    for (const [slot, process] of processes.entries()) {
      for (const [task, { process: owning }] of owner) if (owning !== slot) process.revoke(task)
    }
    for (let i = 0; !settled(); i++) {
      assert(i < 20_000, `the application does not come to rest: ${unrest()}`)
      await event()
    }
    kafka.advance(10_000)
    for (const { changelog, planned } of tasks) {
      if (changelog !== undefined && random.chance(0.7)) {
        kafka.compact(changelog, planned.partition, kafka.time() - random.integer(5_000))
      }
    }
  }

  function unrest(): string {
    const of = tasks.map((task) => {
      const process = processes[owner.get(task)!.process]!
      const owned = process.owned(task)
      const { partition } = task.planned
      const topics = task.planned.inputs.map(({ topic: { name } }) => {
        const at = owned?.task.position(name)
        return `${name} ${at} of ${lastOffset(name, partition)}`
      })
      return `${task.name}/${partition} ${process.idle(task) ? 'idle' : 'busy'} ${topics.join(', ')}`
    })
    return `${kafka.settled() ? '' : 'open transactions; '}${of.join('; ')}`
  }
  function settled(): boolean {
    return (
      kafka.settled() &&
      tasks.every((task) => {
        const process = processes[owner.get(task)!.process]!
        const owned = process.owned(task)
        return (
          owned !== undefined &&
          process.idle(task) &&
          owned.task.topics.every((t) => owned.task.position(t)! >= lastOffset(t, task.planned.partition))
        )
      })
    )
  }
  /** One past the last record: behind it may be markers. */
  function lastOffset(topic: string, partition: number): number {
    const all = kafka.records(topic, partition, true)
    return all.length === 0 ? 0 : all[all.length - 1]!.offset + 1
  }

  const output = (topic: string) =>
    Array.from({ length: PARTITIONS }, (_, p) => kafka.records(topic, p, guarantee === 'exactly_once')).flat()
  const emitted = output('counts').map(({ key, value }) => ({
    key: key!.toString(),
    n: value!.readInt32BE(0),
  }))
  const greatest = new Map<string, number>()
  for (const { key, n } of emitted) greatest.set(key, Math.max(n, greatest.get(key) ?? 0))
  const answered = output('priced').map(
    ({ key, headers }) =>
      `${key}@${headers.find((h) => h.key === 'revlog-revision')!.value!.toString('hex')}`,
  )
  const result: Outcome = {
    truth: truthOf(allOrders, allPrices),
    priced: greatestRevisions(output('priced')),
    counts: greatest,
    repeated:
      emitted.length +
      answered.length -
      new Set([...emitted.map(({ key, n }) => `${key}=${n}`), ...answered]).size,
    stores: new Map(['counts', 'totals'].map((name) => [name, storeContents(name)])),
    takeovers: generation,
  }
  for (const process of processes) process.kill()
  return result

  function storeContents(name: string): ReadonlyMap<string, number> {
    const found = new Map<string, number>()
    for (const task of tasks) {
      if (!task.planned.part.stores.some((store) => store.name === name)) continue
      const { task: running } = processes[owner.get(task)!.process]!.owned(task)!
      const store = running.store(name) as
        | KeyValueStore<string, number>
        | TimestampedKeyValueStore<string, number>
      for (const entry of store.all() as Iterable<{ key: string; value: unknown }>) {
        const { key, value } = entry
        found.set(key, typeof value === 'number' ? value : (value as { value: number }).value)
      }
    }
    return found
  }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
