import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Departure } from './flights.js'

// `npm run flights -- --data FOLDER`: the flights of a year and the weather of their airports, through the command
// `revlog run`, as anybody would run it over files. With --table it prints the last revision of each flight and
// nothing else.

const { values } = parseArgs({ options: { data: { type: 'string' }, table: { type: 'boolean' } } })
const { data, table = false } = values

/** The command of this package, as its manifest names it. */
function revlogCommand(): string {
  const manifest = createRequire(import.meta.url).resolve('revlog/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly bin: { readonly revlog: string } }
  return join(dirname(manifest), bin.revlog)
}

function explain(problem: string): void {
  console.error(`${problem}
Usage: npm run --silent flights -- --data FOLDER [--table]
  FOLDER has flights.csv.gz (id, origin, event_time, …) and weather.csv.gz (origin, event_time, temp, …),
  of which event_time is in milliseconds since the epoch.`)
  process.exitCode = 2
}

async function main(folder: string): Promise<void> {
  const topology = fileURLToPath(new URL('./flights.js', import.meta.url))
  const inputs = ['weather', 'flights'].flatMap((name) => [
    '--from',
    `${name}=${join(folder, `${name}.csv.gz`)}`,
  ])
  const words = [revlogCommand(), 'run', topology, ...inputs, '--table', 'departures']
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  let rows = 0
  for await (const line of createInterface({ input: child.stdout })) {
    rows++
    const { value } = JSON.parse(line) as { readonly value: Departure }
    if (table) await print(`${JSON.stringify(value)}\n`)
  }
  const [code] = (await ended) as [number | null]
  if (code !== 0) process.exitCode = code ?? 1
  else if (!table) console.log(`${rows} flights, each with the weather at its origin; --table prints them`)
}

async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
if (data === undefined) explain('Say where the data is.')
else if (!existsSync(join(data, 'flights.csv.gz'))) explain(`There is no flights.csv.gz in ${data}.`)
else await main(data)
