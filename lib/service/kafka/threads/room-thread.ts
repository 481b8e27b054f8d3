import { Worker } from 'node:worker_threads'
import type { TaskId } from '../../../brokers/kafka/group/member.js'
import { messageOf, RevlogError } from '../../../core/errors.js'
import { type Callable, type Calls, connect, type Port } from './calls.js'
import type { RoomCalls, ThreadSetup } from './messages.js'

/** A thread with an engine room in it. */
export interface RoomThread extends Pick<Calls<RoomCalls>, 'call' | 'tell'> {
  /** Ends it in good order; when that takes longer than a moment, at once. */
  readonly close: () => Promise<void>
}

const CLOSE_MS = 3_000
const PROGRAM = new URL('./thread.js', import.meta.url)

/**
 * @param tasks all that there are, in the order in which threads count them
 * @param here what the thread may call
 * @param onDeath the thread has ended by itself: an error that nobody caught, no memory, an exit
 */
export function startThread(
  setup: Omit<ThreadSetup, 'turn'>,
  index: number,
  tasks: readonly TaskId[],
  here: Callable,
  onDeath: (error: RevlogError) => void,
): RoomThread {
  const turn = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(PROGRAM, {
    workerData: { ...setup, turn } satisfies ThreadSetup,
    name: `room-${index}`,
  })
  const { call, tell, end } = connect<RoomCalls>(worker as Port, here)
  let closing = false
  let gone = (): void => {}
  const exited = new Promise<void>((resolve) => {
    gone = resolve
  })

  const died = (cause: unknown): void => {
    if (closing) return
    closing = true
    const error = death(index, tasks[turn[0]! - 1], cause)
    end(error)
    onDeath(error)
  }
  worker.on('error', died)
  worker.on('exit', (code) => {
    died(new Error(`it ended with exit code ${code}`))
    end(new RevlogError('E_ABORTED', `thread ${index} has ended`))
    gone()
  })

  return {
    call,
    tell,
    async close() {
      closing = true
      tell('close')
      const timer = setTimeout(() => void worker.terminate(), CLOSE_MS)
      await exited
      clearTimeout(timer)
    },
  }
}

/** The task is the one whose records were being processed; between two tasks there is none. */
function death(index: number, task: TaskId | undefined, cause: unknown): RevlogError {
  const { code } = (cause ?? {}) as { readonly code?: unknown }
  const when = task === undefined ? '' : ` while it processed ${task}`
  return new RevlogError('E_THREAD_DIED', `thread ${index} ended${when}: ${messageOf(cause)}`, {
    cause,
    ...(task === undefined ? {} : { at: { task } }),
    remedy:
      code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? 'keep less in memory in a processor, or give each thread more: node --max-old-space-size'
        : 'nothing is lost: what was not committed is processed again; see that no callback or promise of a processor throws unseen',
  })
}
