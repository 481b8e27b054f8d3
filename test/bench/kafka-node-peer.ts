import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { root } from '../house/tree.js'
import type { Rival } from './benchmarks.js'
import { inputFile } from './input-file.js'
import type { Guarantee } from './kafka-run.js'
import {
  applicationName,
  createTopics,
  deleteTopics,
  namesOnKafka,
  prepareTopics,
  withClient,
} from './kafka-topics.js'
import { outputOf } from './run-child.js'
import type { WorkloadName } from './workload.js'

/** The library for Node that comes closest; its join answers once, with what its table has at that moment. */
const SOURCE = join(root, '..', 'shared', 'peers', 'kafkats-flow')
const BUILD = join(tmpdir(), 'revlog-bench', 'kafkats-flow')
const PROGRAMS = ['count.mjs', 'join.mjs']
/** It is so slow that nobody waits for a million records. */
const SECONDS = 20

function missing(): string | undefined {
  if (!existsSync(SOURCE)) {
    return `(the Node peer is left out: it is expected in ${SOURCE}, beside this project)`
  }
  mkdirSync(BUILD, { recursive: true })
  for (const file of ['package.json', ...PROGRAMS]) copyFileSync(join(SOURCE, file), join(BUILD, file))
  if (existsSync(join(BUILD, 'node_modules', '@kafkats', 'flow'))) return undefined
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--silent'], {
    cwd: BUILD,
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
  })
  return status === 0 ? undefined : '(the Node peer is left out: its packages could not be installed)'
}

interface PeerLine {
  readonly records: number
  readonly seconds: number
  readonly perSecond: number
  readonly cpuSeconds: number
  readonly maxRssMiB: number
}

export const nodeOnKafka = (name: string, workload: WorkloadName, guarantee: Guarantee): Rival => ({
  name,
  runs: 1,
  missing,
  async run({ records = 1_000_000, kafka }) {
    const { address } = kafka!
    const file = inputFile(workload, records)
    const names = namesOnKafka(workload, file, applicationName(`peer-${workload}`))
    const state = mkdtempSync(join(tmpdir(), 'revlog-bench-kafka-'))
    return withClient(address, async (client) => {
      try {
        await prepareTopics(client, names, workload, file, records)
        // The library makes its changelog topic itself, which a broker may forbid.
        const store = workload === 'count' ? 'counts' : 'right'
        await createTopics(client, [`${names.application}-${store}-changelog`], {
          'cleanup.policy': 'compact',
        })
        const output = await outputOf(
          process.execPath,
          [join(BUILD, workload === 'count' ? 'count.mjs' : 'join.mjs')],
          {
            ...process.env,
            BROKER: address,
            IN: workload === 'count' ? names.left : `ks-${basename(file)}`,
            MODE: 'two',
            OUT: names.output,
            APP: names.application,
            STATE: state,
            GUARANTEE: guarantee,
            LIMIT: String(records),
            SECONDS: String(SECONDS),
          },
        )
        const line = JSON.parse(output.trimEnd().split('\n').at(-1)!) as PeerLine
        return {
          benchmark: name,
          records: line.records,
          seconds: line.seconds,
          recordsPerSecond: line.perSecond,
          nsPerRecord: Math.round((line.seconds * 1e9) / line.records),
          cpuSeconds: line.cpuSeconds,
          othersCpuSeconds: 0,
          peakRssMiB: line.maxRssMiB,
          peakAnonMiB: 0,
          peakMappedMiB: 0,
        }
      } finally {
        await deleteTopics(client, names.application)
        rmSync(state, { recursive: true, force: true })
      }
    })
  },
})
