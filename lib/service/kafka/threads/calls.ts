import { decodeError, encodeError, type PortableError } from './portable-error.js'

/** What the other side may call: functions whose arguments and results can be sent between threads. */
export interface Callable {
  readonly [name: string]: (...args: never[]) => unknown
}

/** Calls of what the other thread offers. They arrive in the order in which they were made. */
export interface Calls<There extends Callable> {
  /** Resolves and rejects as the function there does; rejects when the other side has ended. */
  readonly call: <Name extends keyof There>(
    name: Name,
    ...args: Parameters<There[Name]>
  ) => Promise<Awaited<ReturnType<There[Name]>>>
  /** The same, for who does not wait for it. */
  readonly tell: <Name extends keyof There>(name: Name, ...args: Parameters<There[Name]>) => void
  /** The other side has ended: what was not answered rejects with this. */
  readonly end: (error: unknown) => void
}

/** A worker, seen from the main thread, or the other way round. */
export interface Port {
  readonly postMessage: (message: Message) => void
  readonly on: (event: 'message', listener: (message: Message) => void) => unknown
}

type Message =
  | { readonly call: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: PortableError }

export function connect<There extends Callable>(port: Port, here: Callable): Calls<There> {
  const waiting = new Map<
    number,
    { readonly resolve: (value: never) => void; readonly reject: (e: unknown) => void }
  >()
  let next = 0
  let ended: { readonly error: unknown } | undefined

  async function answer(id: number, name: string, args: readonly unknown[]): Promise<void> {
    try {
      const value = await here[name]!(...(args as never[]))
      port.postMessage({ answer: id, value })
    } catch (thrown) {
      port.postMessage({ answer: id, error: encodeError(thrown) })
    }
  }

  port.on('message', (message) => {
    if ('call' in message) {
      void answer(message.call, message.name, message.args)
      return
    }
    const waiter = waiting.get(message.answer)
    waiting.delete(message.answer)
    if ('error' in message) waiter?.reject(decodeError(message.error))
    else waiter?.resolve(message.value as never)
  })

  const call: Calls<There>['call'] = (name, ...args) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended.error)
      waiting.set(next, { resolve, reject })
      port.postMessage({ call: next++, name: name as string, args })
    })
  return {
    call,
    tell: (name, ...args) => void call(name, ...args).catch(() => {}),
    end(error) {
      ended ??= { error }
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    },
  }
}
