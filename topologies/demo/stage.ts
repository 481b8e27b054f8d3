import { setTimeout as sleep } from 'node:timers/promises'
import { type Paint, paintFor } from './paint.js'
import type { Scene } from './scenes.js'

/** Where the story is told. A person at a terminal gets time to read; a pipe gets the same lines at once. */
export interface Stage {
  readonly paint: Paint
  readonly line: (text?: string) => Promise<void>
  readonly scene: (scene: Scene) => Promise<void>
  /** How far the rest of the day is, 0 to 1. */
  readonly bar: (share: number, text: string) => void
}

const PAUSE_MS = 110
const SCENE_PAUSE_MS = 500
const BAR = 40

export function createStage(out: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Stage {
  const paint = paintFor(out, environment)
  const live = out.isTTY === true
  let scenes = 0
  const pause = async (ms: number): Promise<void> => {
    if (live) await sleep(ms)
  }
  return {
    paint,
    async line(text = '') {
      out.write(`${text}\n`)
      await pause(PAUSE_MS)
    },
    async scene({ title, why }) {
      await pause(SCENE_PAUSE_MS)
      scenes++
      out.write(`\n${paint.bold(` ${scenes}  ${title}`)}\n    ${paint.dim(why)}\n\n`)
      await pause(SCENE_PAUSE_MS)
    },
    bar(share, text) {
      const done = Math.round(share * BAR)
      const picture = `    ${paint.cyan('█'.repeat(done))}${paint.dim('░'.repeat(BAR - done))}  ${text}`
      if (live) out.write(`\r\u001b[2K${picture}${share === 1 ? '\n' : ''}`)
      else if (share === 1) out.write(`${picture}\n`)
    },
  }
}
