import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './tree.js'

/** What a look at permissions or versions needs, an application does not: it asks for these only where they are spoken. */
const FOR_DOCTOR_ALONE = new Set(['18 0 ApiVersions', '3 8 Metadata'])

/** Every request that is written in `lib`: key, version and name. */
export function sourceOf(): string[] {
  const folder = join(root, 'lib/brokers/kafka')
  const found = new Set<string>()
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    // The list itself is what is being checked.
    if (!file.endsWith('.ts')) continue
    const text = readFileSync(join(folder, file), 'utf8')
    const requests = file.endsWith('api-versions.ts') ? text.slice(0, text.indexOf('SPOKEN')) : text
    for (const [, key, version, api] of requests.matchAll(
      /apiKey: (\d+),\s*apiVersion: (\d+),\s*apiName: '(\w+)'/g,
    )) {
      found.add(`${key} ${version} ${api}`)
    }
  }
  return [...found].filter((one) => !FOR_DOCTOR_ALONE.has(one))
}
