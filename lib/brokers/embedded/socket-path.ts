import { createHash, randomUUID } from 'node:crypto'
import { realpathSync, symlinkSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a socket address holds on every system, with the byte that ends it: macOS has 104, Linux 108. */
const MAX_PATH_BYTES = 103

/**
 * Calls `use` with a path of `directory/name` that is short enough for a socket address. When the real one is too
 * long, a symbolic link in the directory for temporary files stands for the directory as long as `use` runs. The
 * socket itself is always in the directory, so two processes meet there whatever their TMPDIR says.
 */
export async function withSocketPath<T>(
  directory: string,
  name: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, name)
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return use(path)
  const link = join(tmpdir(), `revlog-${randomUUID().slice(0, 8)}`)
  symlinkSync(directory, link)
  try {
    return await use(join(link, name))
  } finally {
    unlinkSync(link)
  }
}

/** Windows has named pipes instead; they belong to the machine, so the name says which directory is meant. */
export function pipeName(directory: string): string {
  const hash = createHash('sha256').update(realpathSync(directory).toLowerCase()).digest('hex')
  return `\\\\.\\pipe\\revlog-${hash.slice(0, 32)}`
}
