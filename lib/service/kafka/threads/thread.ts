import { parentPort, workerData } from 'node:worker_threads'
import { openKafkaClient } from '../../../brokers/kafka/client.js'
import type { KafkaOptions } from '../../../brokers/kafka/options.js'
import { createTopicAdmin } from '../../../brokers/kafka/topic-admin.js'
import type { ServiceEvent } from '../../events.js'
import { loadTopology } from '../../topology-file.js'
import { createEngineRoom, type EngineRoom } from '../engine-room.js'
import { lateWarning } from '../late-warning.js'
import { layoutOf } from '../lay-out.js'
import { connect, type Port } from './calls.js'
import type { MainCalls, Order, PortableEvent, RoomCalls, ThreadSetup } from './messages.js'
import { encodeError } from './portable-error.js'
import { encodeReport } from './portable-report.js'

/**
 * The program of a thread: an engine room with a client of its own, which the main thread has as its own by calls. The
 * membership stays there: what is committed goes through it.
 */
const setup = workerData as ThreadSetup
const REPORT_MS = 250

/** What the order says that is being followed. */
let order: Pick<Order, 'memberId'> & { readonly number: number; readonly generation: number | undefined } = {
  number: 0,
  memberId: '',
  generation: undefined,
}

const ready = openRoom()
// Whoever asks for it hears of the failure.
ready.catch(() => {})
const room = async (): Promise<EngineRoom> => (await ready).room

const here: RoomCalls = {
  async ready() {
    await ready
  },
  async assign({ active, standby, ...next }: Order) {
    const engine = await room()
    order = next
    engine.assign({ active, standby }, next.generation)
    await tellUse()
  },
  async dropAll(number: number) {
    const engine = await room()
    order = { ...order, number, generation: undefined }
    engine.dropAll()
    await tellUse()
  },
  settle: async () => (await room()).settle(),
  async reachEnds() {
    const reached = await (await room()).reachEnds()
    await report()
    return reached
  },
  stop: async () => (await room()).stop(),
  async finished() {
    try {
      await (await room()).finished
    } finally {
      await report()
    }
  },
  abort: async () => (await room()).abort(),
  async close() {
    const { room, client, reporting } = await ready
    clearInterval(reporting)
    await room.close()
    await client.close()
    // What this answers is sent first; then nothing keeps the thread.
    setImmediate(() => parentPort!.close())
  },
}
const main = connect<MainCalls>(parentPort as Port, here)
const report = async (): Promise<void> => main.tell('report', encodeReport((await room()).report()))
const tellUse = async (): Promise<void> => main.tell('using', order.number, (await room()).inUse())

async function openRoom() {
  const { kafka } = setup
  const topology = await loadTopology(setup.file)
  const onEvent = (event: ServiceEvent): void => main.tell('event', portable(event))
  const client = await openKafkaClient({ ...withTokens(kafka.client), onLate: lateWarning(onEvent) })
  const admin = createTopicAdmin(client)
  const layout = layoutOf(topology, kafka, setup.found)
  const numbers = new Map([...layout.planned.keys()].map((task, index) => [task, index + 1]))
  const room = createEngineRoom({
    application: topology.name,
    settings: {
      ...setup.settings,
      kafka,
      partitionsOf: layout.partitionsOf,
      signal: undefined,
      onEvent,
    },
    exactlyOnce: kafka.exactlyOnce,
    layout,
    client,
    admin,
    member: () => ({
      generation: () => order.generation,
      memberId: () => order.memberId,
      commit: (offsets, generation) => main.call('commit', offsets, generation),
      stillMember: (generation) => main.call('stillMember', generation),
    }),
    onFailure: (error) => main.tell('failed', encodeError(error)),
    onUse: () => void tellUse(),
    onTurn(task) {
      setup.turn[0] = task === undefined ? 0 : numbers.get(task)!
    },
  })
  return { room, client, reporting: setInterval(() => void report(), REPORT_MS) }
}

function withTokens(options: KafkaOptions): KafkaOptions {
  if (!setup.asksForTokens) return options
  return { ...options, sasl: { mechanism: 'oauthbearer', oauthBearerProvider: () => main.call('token') } }
}

const portable = (event: ServiceEvent): PortableEvent =>
  event.kind === 'retrying' || event.kind === 'paused' ? { ...event, error: encodeError(event.error) } : event
