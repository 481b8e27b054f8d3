import { RevlogError } from '../../../core/errors.js'
import type { Cluster, Lane } from '../cluster.js'
import { passes } from '../retry.js'
import type { Request } from '../wire/request.js'
import { withDeadline } from './timing.js'

export interface Coordinator {
  readonly group: string
  /**
   * One request, one answer. `aside` takes another connection, for what must not wait behind a join.
   *
   * @throws PassingError when the next try may succeed; RevlogError when none will.
   */
  ask<Answer>(request: Request<Answer>, timeoutMs: number, aside?: 'aside'): Promise<Answer>
  /** It is not where it was: the next request looks for it. */
  forget(): void
  /** Closes its connections; the client stays open. */
  close(): void
}

/** No answer this time. */
export class PassingError extends Error {}

/** Where a group is coordinated: found when needed, over connections that nobody else uses, forgotten when it is silent. */
export function createCoordinator(cluster: Cluster, group: string): Coordinator {
  let lanes: { readonly main: Lane; readonly aside: Lane } | undefined
  let closed = false

  const send = async <Answer>(
    request: Request<Answer>,
    timeoutMs: number,
    way: 'main' | 'aside',
  ): Promise<Answer> => {
    const nodeId = await cluster.coordinator('group', group)
    lanes ??= { main: cluster.lane(), aside: cluster.lane() }
    return lanes[way].send(nodeId, request, { waitMs: timeoutMs })
  }

  /** A connection that does not answer is not asked again. */
  const forget = (): void => {
    cluster.forgetCoordinator('group', group)
    lanes?.main.close()
    lanes?.aside.close()
    lanes = undefined
  }

  return {
    group,
    async ask(request, timeoutMs, aside) {
      if (closed) throw new RevlogError('E_BROKER_CLOSED', `the member of group ${group} has left`)
      try {
        return await withDeadline(send(request, timeoutMs, aside ?? 'main'), timeoutMs)
      } catch (error) {
        if (error instanceof RevlogError && !passes(error)) throw error
        if (aside === undefined) forget()
        throw new PassingError(`the coordinator of group ${group} does not answer`, { cause: error })
      }
    },
    forget,
    close() {
      closed = true
      forget()
    },
  }
}
