import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { RevlogError } from '../../core/errors.js'

/**
 * LMDB maps its data file into memory and trusts it: a file that is empty is taken for a new one, and one that is
 * cut off or has a bad first page ends the process with a signal that nobody can catch. So the file is looked at
 * before LMDB sees it.
 *
 *     page 0 and page 1, little-endian:
 *       24 magic u32 be ef c0 de | 28 version u32 | 48 page size u32 | 144 last page u64 | 152 transaction u64
 */
const MAGIC = 0xbeefc0de
const VERSION = 2
const META_BYTES = 168

interface Meta {
  readonly pageSize: number
  readonly lastPage: number
  readonly transaction: bigint
}

export const dataFile = (directory: string): string => join(directory, 'data.mdb')

/**
 * Nothing when the file is not there yet or looks whole.
 *
 * @throws RevlogError `E_STATE_FILE_DAMAGED` with the file, what is wrong with it and what to do.
 */
export function checkDataFile(directory: string): void {
  const file = dataFile(directory)
  if (!existsSync(file)) return
  const damage = damageOf(file)
  if (damage === undefined) return
  throw new RevlogError('E_STATE_FILE_DAMAGED', `${file} ${damage}`, {
    at: { file },
    remedy:
      `nothing was changed. Stop everything that uses ${directory}, then put back a copy of that directory made while ` +
      'it was not in use; or move it away and start anew from the sources',
  })
}

function damageOf(file: string): string | undefined {
  const fd = openSync(file, 'r')
  try {
    const { size } = fstatSync(fd)
    if (size === 0) return 'is empty'
    const first = readMeta(fd, 0)
    if (typeof first === 'string') return first
    const second = readMeta(fd, first.pageSize)
    if (typeof second === 'string') return second
    const { lastPage, pageSize } = first.transaction > second.transaction ? first : second
    const needed = (lastPage + 1) * pageSize
    return size < needed ? `is cut off: it has ${size} bytes of ${needed}` : undefined
  } finally {
    closeSync(fd)
  }
}

function readMeta(fd: number, at: number): Meta | string {
  const bytes = Buffer.alloc(META_BYTES)
  if (readSync(fd, bytes, 0, META_BYTES, at) < META_BYTES) return 'is cut off within its first pages'
  const which = at === 0 ? 'first' : 'second'
  if (bytes.readUInt32LE(24) !== MAGIC) return `is no LMDB file, or its ${which} page is damaged`
  const version = bytes.readUInt32LE(28) & 0xffff
  if (version !== VERSION) return `has LMDB format ${version}; this version of revlog reads format ${VERSION}`
  const pageSize = at === 0 ? bytes.readUInt32LE(48) : at
  const lastPage = bytes.readBigUInt64LE(144)
  const sound =
    pageSize >= 512 && pageSize <= 65_536 && (pageSize & (pageSize - 1)) === 0 && lastPage < 1n << 40n
  if (!sound) return `has a damaged ${which} page`
  return { pageSize, lastPage: Number(lastPage), transaction: bytes.readBigUInt64LE(152) }
}
