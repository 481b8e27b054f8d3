import { statfsSync } from 'node:fs'
import { RevlogError } from '../../core/errors.js'

/**
 * Whether the disk has room for a transaction, asked before it begins: LMDB takes back a transaction that finds the
 * disk full, but when that happens again and again it damages the memory of the process and ends it.
 */
export interface Room {
  /**
   * @throws RevlogError `E_STATE_DISK_FULL` when there may be too little room for a transaction that writes about
   *   so many bytes.
   */
  readonly require: (bytes: number) => void
  /** A transaction has made the file so much longer. */
  readonly grew: (bytes: number) => void
  /** A transaction has found the disk full all the same. */
  readonly failed: () => void
}

const MIB = 1 << 20
/** With less than this a disk that refuses to be written is a full one. */
export const FULL_BYTES = 16 * MIB
/** A row may cost its own page, and each page the pages above it. */
const TIMES = 3

export function createRoom(path: string): Room {
  // The next transaction may be several times as large as any before it.
  let largest = 0
  let reserve = MIB
  return {
    require(bytes) {
      if (freeBytes(path) < reserve + TIMES * Math.max(bytes, largest)) throw diskFull(path, undefined)
    },
    grew(bytes) {
      if (bytes > largest) largest = bytes
      reserve = MIB
    },
    failed() {
      reserve = 8 * MIB
    },
  }
}

/** Of a directory that is not there any more nothing is known: that is for others to notice. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  } catch {
    return Infinity
  }
}

export const diskFull = (path: string, cause: unknown): RevlogError =>
  new RevlogError(
    'E_STATE_DISK_FULL',
    `the disk of ${path} is full: ${Math.round(freeBytes(path) / 1024)} KiB are free`,
    {
      ...(cause === undefined ? {} : { cause }),
      at: { file: path },
      remedy: 'make room; what was committed is safe and nothing else was written',
    },
  )
