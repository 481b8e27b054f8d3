import type { RunOptions } from '../../../lib/service/options.js'
import type { StepName } from '../../../lib/service/protocol/ports.js'
import type { Random } from '../../state/random.js'
import type { Fault as NetworkFault } from '../proxy.js'
import type { Failpoint } from './member.js'

export type Guarantee = NonNullable<RunOptions['processingGuarantee']>

/** What goes wrong, and where: `place` is one of the members that are always there. */
export type Fault = { readonly delayMs: number; readonly place: number } & (
  | { readonly kind: 'kill'; readonly downMs: number }
  | { readonly kind: 'kill in a commit'; readonly at: Failpoint; readonly downMs: number }
  /** It is killed, and again when it takes its tasks back. */
  | { readonly kind: 'kill in a takeover'; readonly at: Failpoint; readonly downMs: number }
  /** Its disk is lost while it is down. */
  | { readonly kind: 'wipe'; readonly downMs: number }
  /** It stands still until after its session, and then goes on as if nothing had been. */
  | { readonly kind: 'freeze'; readonly forMs: number }
  /** The same, between two steps: it goes on with the next one when others have its tasks. */
  | { readonly kind: 'freeze in a commit'; readonly at: Failpoint; readonly forMs: number }
  | { readonly kind: 'leave'; readonly downMs: number }
  /** One member more, for a time. */
  | { readonly kind: 'join'; readonly forMs: number }
  | { readonly kind: 'cut sockets' }
  | { readonly kind: 'lose a message'; readonly apiKey: number; readonly how: NetworkFault }
  | { readonly kind: 'kill the broker' }
)

export type FaultKind = Fault['kind']

export const MEMBERS = 3
export const SESSION_MS = 2_000
const FAULTS = 7

const COMMIT_STEPS: { readonly [guarantee in Guarantee]: readonly StepName[] } = {
  at_least_once: [
    'sealed',
    'outputs-sent',
    'changelog-sent',
    'state-committed',
    'outbox-sent',
    'positions-committed',
  ],
  exactly_once: ['sealed', 'transaction-sent', 'transaction-committed', 'state-committed'],
}
const TAKEOVER_STEPS: { readonly [guarantee in Guarantee]: readonly StepName[] } = {
  at_least_once: ['changelog-read', 'claimed', 'sealed', 'outputs-sent', 'changelog-sent', 'state-committed'],
  exactly_once: ['changelog-read', 'sealed', 'transaction-sent', 'transaction-committed', 'state-committed'],
}

/** Requests that change something, by Kafka's number; and Fetch and Heartbeat, which are always under way. */
const PRODUCE = 0
const FETCH = 1
const OFFSET_COMMIT = 8
const JOIN_GROUP = 11
const HEARTBEAT = 12
const SYNC_GROUP = 14
const INIT_PRODUCER_ID = 22
const ADD_PARTITIONS = 24
const END_TRANSACTION = 26
const TRANSACTION_OFFSETS = 28
const REQUESTS: { readonly [guarantee in Guarantee]: readonly number[] } = {
  at_least_once: [PRODUCE, PRODUCE, PRODUCE, FETCH, OFFSET_COMMIT, JOIN_GROUP, HEARTBEAT, SYNC_GROUP],
  exactly_once: [
    ...[PRODUCE, ADD_PARTITIONS, TRANSACTION_OFFSETS, END_TRANSACTION, END_TRANSACTION],
    ...[INIT_PRODUCER_ID, FETCH, JOIN_GROUP, HEARTBEAT],
  ],
}

const KINDS: readonly FaultKind[] = [
  'kill',
  'kill',
  'kill in a commit',
  'kill in a commit',
  'kill in a commit',
  'kill in a takeover',
  'kill in a takeover',
  'wipe',
  'freeze',
  'freeze in a commit',
  'freeze in a commit',
  'leave',
  'join',
  'cut sockets',
  'lose a message',
  'lose a message',
]

/** What goes wrong in one run, in this order. */
export function drawFaults(random: Random, guarantee: Guarantee): readonly Fault[] {
  const kinds: FaultKind[] = []
  const left = [...KINDS]
  while (kinds.length < FAULTS) kinds.push(...left.splice(random.integer(left.length), 1))
  if (random.chance(0.35)) kinds[random.integer(FAULTS)] = 'kill the broker'
  return kinds.map((kind) => draw(random, guarantee, kind))
}

function draw(random: Random, guarantee: Guarantee, kind: FaultKind): Fault {
  const common = { delayMs: 100 + random.integer(700), place: random.integer(MEMBERS) }
  const downMs = random.integer(1_500)
  switch (kind) {
    case 'kill':
    case 'wipe':
    case 'leave':
      return { ...common, kind, downMs }
    case 'kill in a commit':
      return { ...common, kind, downMs, at: drawStep(random, COMMIT_STEPS[guarantee], 12, 'kill') }
    case 'kill in a takeover':
      return { ...common, kind, downMs, at: drawStep(random, TAKEOVER_STEPS[guarantee], 3, 'kill') }
    case 'freeze in a commit': {
      const at = drawStep(random, COMMIT_STEPS[guarantee], 12, 'freeze')
      return { ...common, kind, forMs: SESSION_MS + 500 + random.integer(1_500), at }
    }
    case 'freeze':
      return { ...common, kind, forMs: SESSION_MS + 500 + random.integer(1_500) }
    case 'join':
      return { ...common, kind, forMs: 1_000 + random.integer(3_000) }
    case 'lose a message': {
      const how = random.pick(['lose request', 'lose response', 'lose response', 'swallow response'] as const)
      return { ...common, kind, apiKey: random.pick(REQUESTS[guarantee]), how }
    }
    case 'cut sockets':
    case 'kill the broker':
      return { ...common, kind }
  }
}

const drawStep = (
  random: Random,
  steps: readonly StepName[],
  most: number,
  how: Failpoint['how'],
): Failpoint => ({
  how,
  step: random.pick(steps),
  n: 1 + random.integer(most),
})
