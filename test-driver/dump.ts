import { bytesOfKey } from '../lib/core/binary-key.js'
import type { Headers } from '../lib/core/record.js'
import type { Host } from './host.js'

const hex = (bytes: Buffer | undefined): string => (bytes === undefined ? '-' : `x${bytes.toString('hex')}`)
const headersOf = (headers: Headers): string => headers.map((h) => `${h.key}=${hex(h.value)}`).join(',')

/** Topics by name in the order of writing, changelogs, and each store's committed rows; keys and values in hex. */
export function dumpOf(host: Host): string {
  const lines: string[] = []
  for (const log of [...host.topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    lines.push(`topic ${log.name}`)
    for (const r of log.written) {
      lines.push(
        `  ${r.partition}@${r.offset} ${r.timestamp} ${hex(r.key)} ${hex(r.value)} [${headersOf(r.headers)}]`,
      )
    }
  }
  for (const { task, state } of host.tasks()) {
    lines.push(`task ${task.id} ${state.backend.metadata()?.toString() ?? '-'}`)
    for (const { key, value } of state.changelog.records) lines.push(`  changelog ${hex(key)} ${hex(value)}`)
    for (const { name } of task.part.stores) {
      lines.push(`  store ${name}`)
      for (const { key, value } of state.backend.rows(name).scan({ limit: Infinity })) {
        lines.push(`    ${hex(bytesOfKey(key))} ${hex(value)}`)
      }
    }
  }
  return `${lines.join('\n')}\n`
}
