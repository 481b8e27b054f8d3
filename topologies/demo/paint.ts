/** Words for a terminal. Without colours (no terminal, NO_COLOR) they are the words alone. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly cyan: (text: string) => string
}

export function paintFor(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Paint {
  const { NO_COLOR = '', TERM } = environment
  const coloured = stream.isTTY === true && NO_COLOR === '' && TERM !== 'dumb'
  const style = (code: number) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)
  return { bold: style(1), dim: style(2), red: style(31), green: style(32), cyan: style(36) }
}

/** `09:41:07` */
export const clock = (time: number): string => new Date(time).toISOString().slice(11, 19)

/** `48 s`, `3 min 20 s` */
export function span(ms: number): string {
  const s = Math.round(ms / 1000)
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`
}

/** `12,345` */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',')
