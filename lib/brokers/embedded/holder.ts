import { hostname } from 'node:os'
import { isMainThread, threadId } from 'node:worker_threads'

/** Who holds a directory: what a second process is told. */
export interface Holder {
  /** Of the protocol that the holder speaks. */
  readonly protocol: number
  readonly pid: number
  /** 0 in the main thread. */
  readonly thread: number
  readonly host: string
  readonly command: string
  /** ISO 8601. */
  readonly since: string
}

export const PROTOCOL_VERSION = 1

export function thisProcess(wallTime: number): Holder {
  return {
    protocol: PROTOCOL_VERSION,
    pid: process.pid,
    thread: isMainThread ? 0 : threadId,
    host: hostname(),
    command: process.argv.join(' ').slice(0, 300),
    since: new Date(wallTime).toISOString(),
  }
}

export function describeHolder({ pid, thread, host, command, since }: Holder): string {
  const where = thread === 0 ? '' : `, thread ${thread},`
  return `process ${pid}${where} on ${host} since ${since}: ${command}`
}
