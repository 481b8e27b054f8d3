import { createInterface } from 'node:readline'
import { openKafkaClient } from '../../../lib/brokers/kafka/client.js'
import { joinTaskGroup, type TaskGroupOptions } from '../../../lib/brokers/kafka/group/task-group.js'
import type { RevlogError } from '../../../lib/core/errors.js'

/**
 * A member of a task group in a process of its own, so that it can be killed and frozen. It says what happens to it,
 * one JSON object a line, and is told what to do the same way.
 */
export interface MemberSetup
  extends Pick<
    TaskGroupOptions,
    | 'application'
    | 'threads'
    | 'standbyReplicas'
    | 'sessionTimeoutMs'
    | 'rebalanceTimeoutMs'
    | 'revokeTimeoutMs'
    | 'instanceId'
  > {
  readonly address: string
  readonly groupId: string
  readonly parts: ReturnType<TaskGroupOptions['parts']>
  /** How long it takes to give its tasks back. */
  readonly revokeMs?: number
}

export type MemberTold =
  | {
      readonly event: 'assigned'
      readonly generation: number
      readonly rebalanceMs: number
      readonly active: readonly string[]
      readonly standby: readonly string[]
      readonly waiting: readonly string[]
    }
  | { readonly event: 'revoked' | 'left' }
  | { readonly event: 'lost'; readonly reason: string }
  | { readonly event: 'error' | 'warning' | 'refused'; readonly code: string }
  | { readonly event: 'committed' }

export type MemberCommand =
  | { readonly do: 'leave' | 'rejoin' }
  | { readonly do: 'block'; readonly ms: number }
  | {
      readonly do: 'commit'
      readonly topic: string
      readonly partition: number
      readonly offset: number
      readonly generation: number
    }

const setup = JSON.parse(process.argv[2]!) as MemberSetup
const tell = (told: MemberTold): void => {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), ...told })}\n`)
}
const failed = (event: 'error' | 'warning' | 'refused') => (error: RevlogError) =>
  tell({ event, code: error.code })

const client = await openKafkaClient({ brokers: [setup.address] })
const member = joinTaskGroup({
  ...setup,
  coordinator: client.coordinator(setup.groupId),
  parts: () => setup.parts,
  onAssigned: (assignment, generation) =>
    tell({ event: 'assigned', generation, rebalanceMs: member.stats().lastRebalanceMs, ...assignment }),
  async onRevoke() {
    await new Promise((resolve) => setTimeout(resolve, setup.revokeMs ?? 0))
    tell({ event: 'revoked' })
  },
  onLost: (reason) => tell({ event: 'lost', reason }),
  onError: failed('error'),
  onWarning: failed('warning'),
})

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as MemberCommand
  if (command.do === 'rejoin') member.rejoin()
  if (command.do === 'block') {
    const until = Date.now() + command.ms
    while (Date.now() < until); // as a processor does that never lets go
  }
  if (command.do === 'commit') {
    const { topic, partition, offset, generation } = command
    await member
      .commit([{ topic, partition, offset }], generation)
      .then(() => tell({ event: 'committed' }), failed('refused'))
  }
  if (command.do === 'leave') {
    await member.leave()
    tell({ event: 'left' })
    break
  }
}
process.exit(0)
