import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  readonly path: string
  /** `size=400m`, `ro` */
  readonly remount: (options: string) => void
}

/** A small disk of its own; undefined, and a line that says so, where this user may not mount one. */
export function mountDisk(megabytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'revlog-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    rmdirSync(path)
    console.log('    skipped: only root may mount the small disk that this test fills.')
    return undefined
  }
  return {
    path,
    remount: (options) => execFileSync('mount', ['-o', `remount,${options}`, path], { stdio: 'ignore' }),
  }
}

export function unmount(path: string): void {
  execFileSync('umount', ['-l', path], { stdio: 'ignore' })
  rmdirSync(path)
}
