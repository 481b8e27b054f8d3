import type { InputQueue } from './input-queue.js'

/**
 * Whether a record may be chosen now: Kafka Streams' `PartitionGroup.readyToProcess`. With a record waiting in
 * every queue, always. Otherwise each empty queue must be known to be at the end of its log, and then be waited
 * for until `maxTaskIdleMs` have passed; -1 never waits, at the price of an order that depends on arrival.
 */
export function isReady(queues: readonly InputQueue[], maxTaskIdleMs: number, wallTime: number): boolean {
  let filled = 0
  for (let i = 0; i < queues.length; i++) if (queues[i]!.head !== undefined) filled++
  if (filled === queues.length) {
    if (filled > 1) for (const queue of queues) queue.idleUntil = undefined
    return filled > 0
  }
  if (maxTaskIdleMs < 0) return filled > 0
  // The waiting begins when a queue is seen empty first, even while all of them are.
  let ready = filled > 0
  for (const queue of queues) {
    if (queue.head !== undefined) {
      queue.idleUntil = undefined
      continue
    }
    if (queue.behind() !== false) {
      ready = false
      continue
    }
    queue.idleUntil ??= wallTime + maxTaskIdleMs
    if (wallTime < queue.idleUntil) ready = false
  }
  return ready
}

/** Until when records that are ready wait for an input that is read to its end; Infinity when none do. */
export function waitsUntil(queues: readonly InputQueue[]): number {
  let until = Infinity
  let waiting = false
  for (const queue of queues) {
    if (queue.head !== undefined) waiting = true
    else if (queue.idleUntil !== undefined && queue.idleUntil < until) until = queue.idleUntil
  }
  return waiting ? until : Infinity
}
