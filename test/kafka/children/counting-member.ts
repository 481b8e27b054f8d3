import { milliseconds } from '../../../lib/core/duration.js'
import { messageOf } from '../../../lib/core/errors.js'
import type { ServiceEvent } from '../../../lib/service/events.js'
import type { RunOptions } from '../../../lib/service/options.js'
import { run } from '../../../lib/service/run.js'
import { countingOf } from '../service/counting.js'

/** A member of the counting application in a process of its own, so that it can be killed. It tells its events. */
export interface CountingSetup {
  readonly name: string
  readonly options: Omit<RunOptions, 'onEvent' | 'signal'>
  /** Beside this file, exports what is run instead of the counting application; with threads, which need a file. */
  readonly file?: string
}

export type CountingTold =
  | { readonly event: Exclude<ServiceEvent, { kind: 'retrying' | 'paused' }> }
  | { readonly retrying: string; readonly error: string }
  | { readonly ended: string | null }

const { name, options, file } = JSON.parse(process.argv[2]!) as CountingSetup
const tell = (told: CountingTold): void => void process.send!(told)

const source = file === undefined ? countingOf(name).topology : new URL(file, import.meta.url)
const service = await run(source, {
  commitInterval: milliseconds(50),
  ...options,
  onEvent(event) {
    if (event.kind === 'retrying') tell({ retrying: event.task, error: messageOf(event.error) })
    else if (event.kind !== 'paused') tell({ event })
  },
})
process.once('SIGTERM', () => void service.stop())
service.finished.then(
  () => tell({ ended: null }),
  (error: unknown) => tell({ ended: messageOf(error) }),
)
await service.finished.catch(() => {})
process.disconnect()
