/**
 * What a step of a start comes to. When the start is called off before, it rejects at once with the signal's reason,
 * and what the step comes to is nobody's business any more: it may wait for brokers that do not answer.
 */
export function unlessStopped<T>(signal: AbortSignal | undefined, step: Promise<T>): Promise<T> {
  if (signal === undefined) return step
  let stop = (): void => {}
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  return Promise.race([step, stopped]).finally(() => signal.removeEventListener('abort', stop))
}
