import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { ROOT } from '../cli/revlog.js'

/** Where the real flights are, beside the project; not part of it. */
export const DATA = join(ROOT, '../shared/data/nyc-2013')

/** Says in one line that a suite is skipped for want of them. */
export function needsData(suite: Mocha.Suite): void {
  if (existsSync(join(DATA, 'flights.csv.gz'))) return
  console.log(`    skipped: the flights of 2013 are not in ${DATA}`)
  suite.pending = true
}

export interface Table {
  readonly header: string
  /** Lines as they are in the file, without their ends. */
  readonly lines: readonly string[]
}

export function readTable(name: string): Table {
  const [header = '', ...lines] = gunzipSync(readFileSync(join(DATA, `${name}.csv.gz`)))
    .toString()
    .split('\r\n')
  return { header, lines: lines.filter((line) => line !== '') }
}

export interface Answer {
  readonly id: string
  readonly weatherTime: number | null
  readonly temp: number | null
}

/** The batch join, by hand: for each flight the last weather of its origin at or before it, ties to the later row. */
export function batchJoin(): readonly Answer[] {
  const weather = new Map<string, { time: number; temp: string }[]>()
  for (const line of readTable('weather').lines) {
    const [origin = '', time, temp = ''] = line.split(',')
    const hours = weather.get(origin) ?? []
    if (hours.length === 0) weather.set(origin, hours)
    hours.push({ time: Number(time), temp })
  }
  for (const hours of weather.values()) hours.sort((a, b) => a.time - b.time) // stable: of a tie the later row is last
  return readTable('flights')
    .lines.map((line) => line.split(','))
    .map(([id = '', origin = '', departure]) => {
      const hour = weather.get(origin)?.findLast(({ time }) => time <= Number(departure))
      const temp = hour === undefined || hour.temp === 'NA' ? null : Number(hour.temp)
      return { id, weatherTime: hour?.time ?? null, temp }
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Rows sorted by event time, each then moved by up to `jitter` milliseconds of it: late by no more than that. */
export function shuffled(table: Table, column: number, jitter: number, random: () => number): string {
  const timed = table.lines.map((line, i) => {
    const time = Number(line.split(',')[column])
    return { line, i, time, at: time + random() * jitter }
  })
  timed.sort((a, b) => a.at - b.at)
  keepTies(timed)
  return `${[table.header, ...timed.map(({ line }) => line)].join('\r\n')}\r\n`
}

/** Of two rows of one origin and time the later one counts, so they keep their order. */
function keepTies(rows: { line: string; i: number; time: number }[]): void {
  const ties = new Map<string, number[]>()
  rows.forEach(({ line, time }, place) => {
    const key = `${line.slice(0, 3)} ${time}`
    ties.set(key, [...(ties.get(key) ?? []), place])
  })
  for (const places of ties.values()) {
    const sorted = places.map((place) => rows[place]!).sort((a, b) => a.i - b.i)
    places.forEach((place, n) => {
      rows[place] = sorted[n]!
    })
  }
}
