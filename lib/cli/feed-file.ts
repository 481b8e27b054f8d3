import { basename } from 'node:path'
import type { Broker } from '../brokers/port.js'
import { feed } from './feed.js'
import { plural, progressLine } from './progress.js'
import { openRows, type RowOptions } from './rows/open.js'
import type { RowRules } from './rows/record-of-row.js'
import type { Screen } from './screen.js'
import type { CliTopic } from './topics.js'

export interface FeedFileOptions extends RowOptions, Pick<RowRules, 'keyField' | 'timeField'> {
  readonly broker: Broker
  readonly topic: CliTopic
  /** `-` is standard input. */
  readonly path: string
  readonly onBadRow: 'fail' | 'skip'
  readonly screen: Screen
}

/** Writes a file to a topic while a person looks on: progress, and in the end what was done and what was skipped. */
export async function feedFile(options: FeedFileOptions): Promise<void> {
  const { broker, topic, path, keyField, timeField, onBadRow, screen, stop } = options
  const rows = await openRows(path, options)
  if (path === '-' && process.stdin.isTTY) screen.say('reading rows from the terminal; Ctrl-D ends them')
  let records = 0
  const look = () => ({ done: rows.read(), total: rows.size, counted: records, unit: 'record' })
  const progress = progressLine(screen, `${basename(rows.name)} to ${topic.name}`, look, Date.now())
  const fed = await feed({
    broker,
    topic,
    rows,
    rules: { file: rows.name, keyField, timeField, now: Date.now },
    onBadRow,
    stop,
    onBatch(soFar) {
      records = soFar.records
      progress.tick(Date.now())
    },
  })
  progress.end(Date.now())
  if (fed.firstProblem !== undefined) {
    screen.say(
      `${rows.name}: skipped ${plural(fed.badRows, 'bad row')}; the first: ${fed.firstProblem.message}`,
    )
  }
}
