import { setTimeout as sleep } from 'node:timers/promises'
import { type LagReport, lagOf } from '../../service/kafka/lag.js'
import { loadTopology } from '../../service/topology-file.js'
import type { Command } from '../command.js'
import { KAFKA_OPTIONS, requiredKafka } from '../kafka-options.js'
import { withKafka } from '../log-place.js'
import { count, duration, plural } from '../progress.js'

const EVERY_MS = 2_000

/** `revlog lag`: how far an application on Kafka is behind. */
export const lag: Command = {
  name: 'lag',
  operands: 'FILE',
  minOperands: 1,
  maxOperands: 1,
  summary: 'Prints how far an application on Kafka is behind',
  description: [
    'For each task and each of its inputs: the position that is committed to the group, the end of the partition, and what lies between, in offsets; then the total. A position is "-" when nothing was committed yet: then the lag is all that is there.',
  ],
  options: {
    ...KAFKA_OPTIONS,
    json: { type: 'boolean', help: 'One JSON line' },
    watch: { type: 'boolean', help: 'Every two seconds, until it is stopped' },
  },
  examples: ['revlog lag topology.ts --brokers localhost:9092', 'revlog lag topology.ts --watch'],
  async run(args, { screen, stop }) {
    const options = requiredKafka('lag', args, process.env)
    const topology = await loadTopology(args.positionals[0]!)
    await withKafka(options, async (kafka) => {
      let before: Look | undefined
      while (!stop.aborted) {
        const look: Look = { report: await lagOf(topology, options, kafka), at: Date.now() }
        for (const line of args.flag('json') ? [asJson(look)] : asText(look, before))
          await screen.result(line)
        if (!args.flag('watch')) return
        await screen.flush()
        before = look
        await sleep(EVERY_MS, undefined, { signal: stop }).catch(() => undefined)
      }
    })
  },
}

interface Look {
  readonly report: LagReport
  readonly at: number
}

const asJson = ({ report, at }: Look): string => {
  const inputs = report.inputs.map((input) => ({ ...input, position: input.position ?? null }))
  return JSON.stringify({ time: new Date(at).toISOString(), ...report, inputs })
}

function asText(look: Look, before: Look | undefined): readonly string[] {
  const { application, state, members, inputs, missing, total } = look.report
  const table = [
    ['task', 'input', 'position', 'end', 'lag'],
    ...inputs.map(({ task, topic, partition, position, end, lag }) => [
      task,
      `${topic}/${partition}`,
      position === undefined ? '-' : count(position),
      count(end),
      count(lag),
    ]),
  ]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)))
  return [
    ...table.map((cells) =>
      cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
    ),
    ...missing.map((topic) => `topic ${topic} does not exist`),
    `${application}: ${plural(total, 'offset')} behind; group ${state}, ${plural(members, 'member')}${pace(look, before)}`,
  ]
}

/** How fast it processed since the last look, and how long the rest takes at that rate. */
function pace(look: Look, before: Look | undefined): string {
  if (before === undefined) return ''
  const sum = ({ report }: Look): number => report.inputs.reduce((all, { end, lag }) => all + end - lag, 0)
  const rate = Math.max(0, ((sum(look) - sum(before)) * 1_000) / (look.at - before.at))
  const left =
    rate === 0 || look.report.total === 0 ? '' : `, ${duration((look.report.total / rate) * 1_000)} left`
  return `; ${count(Math.round(rate))}/s${left}`
}
