import { RevlogError } from '../../../core/errors.js'
import type { KafkaClient } from '../kafka-client.js'
import { kafkaError, kafkaErrorCode } from '../wire/error-codes.js'
import {
  type DescribedMember,
  deleteGroupRequest,
  describeGroupRequest,
  type GroupDescription,
  removeMembersRequest,
} from '../wire/groups.js'
import type { Request } from '../wire/request.js'
import { PassingError } from './coordinator.js'
import { backoff, now } from './timing.js'

/** Looks at a group, and ends it, from outside. */
export interface GroupAdmin {
  /** A group that does not exist is one without members. @throws RevlogError `E_AUTHORIZATION` */
  describe(): Promise<Omit<GroupDescription, 'errorCode'>>
  /**
   * Deletes the group with its offsets; nothing happens when there is none.
   *
   * @throws RevlogError `E_GROUP_ACTIVE` when it has members, `E_AUTHORIZATION`
   */
  remove(): Promise<void>
  /** Takes members out. Those that live come back. */
  evict(members: readonly DescribedMember[]): Promise<void>
  close(): void
}

const ANSWER_MS = 5_000
const PATIENCE_MS = 30_000
const MISSING = 'GROUP_ID_NOT_FOUND'
const ACTIVE = 'NON_EMPTY_GROUP'

export function createGroupAdmin(client: KafkaClient, group: string): GroupAdmin {
  const coordinator = client.coordinator(group)

  const ask = async <Answer extends { readonly errorCode: number }>(
    request: Request<Answer>,
    what: string,
    fine: readonly string[] = [],
  ): Promise<Answer> => {
    const deadline = now() + PATIENCE_MS
    for (let attempt = 0; ; attempt++) {
      let failure: RevlogError
      try {
        const answer = await coordinator.ask(request, ANSWER_MS)
        const { name, retriable } = kafkaErrorCode(answer.errorCode)
        if (answer.errorCode === 0 || fine.includes(name)) return answer
        failure =
          name === ACTIVE
            ? new RevlogError('E_GROUP_ACTIVE', `${what}: it has members`, {
                remedy: 'stop all members and try again',
              })
            : kafkaError(answer.errorCode, what)
        if (!retriable) throw failure
        coordinator.forget()
      } catch (thrown) {
        if (!(thrown instanceof PassingError)) throw thrown
        failure = new RevlogError('E_GROUP_UNREACHABLE', `${what}: ${thrown.message}`, { cause: thrown })
      }
      if (now() > deadline) throw failure
      await backoff(attempt)
    }
  }

  return {
    describe: () => ask(describeGroupRequest(group), `group ${group} cannot be looked at`, [MISSING]),
    async remove() {
      await ask(deleteGroupRequest(group), `group ${group} cannot be deleted`, [MISSING])
    },
    async evict(members) {
      if (members.length === 0) return
      await ask(removeMembersRequest(group, members), `the members of group ${group} cannot be taken out`, [
        MISSING,
      ])
    },
    close: coordinator.close,
  }
}
