import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../house/tree.js'
import type { BenchOptions, KafkaUnderTest, Rival } from './benchmarks.js'
import { inputFile } from './input-file.js'
import type { Guarantee } from './kafka-run.js'
import type { Result } from './result.js'
import { outputOf } from './run-child.js'
import type { WorkloadName } from './workload.js'

/** Kafka Streams on the JVM, with programs that do the same as our jobs. It is no part of this project. */
const SCRIPT = join(root, '..', 'shared', 'peers', 'kafka-streams', 'run.sh')
const BUILD = join(tmpdir(), 'revlog-bench', 'kafka-streams')
/** Kafka Streams' cache would skip most writes, and delay the outputs. */
export const UNCACHED = ['--config', 'statestore.cache.max.bytes=0']

/** A sentence that says what is missing; `undefined` when the peer can run. Builds it when it was not built yet. */
export function whyNoJava(): string | undefined {
  if (!existsSync(SCRIPT)) {
    return `(the Java peer is left out: it is expected in ${SCRIPT}, beside this project)`
  }
  for (const program of ['java', 'mvn']) {
    if (spawnSync(program, ['-version'], { stdio: 'ignore' }).error !== undefined) {
      return `(the Java peer is left out: it needs Java 17 and Maven, and there is no ${program} on the PATH)`
    }
  }
  if (existsSync(join(BUILD, 'classes'))) return undefined
  const { status } = spawnSync('bash', [SCRIPT, 'build'], {
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    env: { ...process.env, BUILD },
  })
  return status === 0 ? undefined : '(the Java peer is left out: it could not be built, see above)'
}

/** What a Java process of the peer is started with, for those who start it themselves. */
export const javaArguments = (...args: readonly string[]): readonly string[] => [
  ...['-Xms512m', '-Xmx1g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'],
  ...['-cp', `${join(BUILD, 'classes')}:${join(BUILD, 'lib', '*')}`, 'peer.Main', ...args],
]

interface PeerLine {
  readonly records?: number
  readonly restored?: number
  readonly seconds?: number
  readonly visibleSeconds?: number
  readonly recordsPerSecond: number
  readonly cpuSeconds: number
  readonly brokerCpuSeconds?: number
  readonly othersCpuSeconds?: number
  readonly peakRssMiB: number
  readonly outputs?: number
  readonly changelogRecords?: number
  readonly outOffsets?: number
  readonly changelogBytes?: number
}

async function peer(benchmark: string, args: readonly string[]): Promise<Result> {
  const output = await outputOf('bash', [SCRIPT, ...args], { ...process.env, BUILD })
  const lines = output.trimEnd().split('\n')
  const line = JSON.parse(lines.findLast((text) => text.includes('recordsPerSecond'))!) as PeerLine
  const verdict = lines.find((text) => text.includes('verdict'))
  const records = line.records ?? line.restored!
  return {
    benchmark,
    records,
    seconds: line.visibleSeconds ?? line.seconds!,
    recordsPerSecond: line.recordsPerSecond,
    nsPerRecord: Math.round(1e9 / line.recordsPerSecond),
    cpuSeconds: line.cpuSeconds,
    othersCpuSeconds: line.othersCpuSeconds ?? 0,
    peakRssMiB: line.peakRssMiB,
    peakAnonMiB: 0,
    peakMappedMiB: 0,
    outputs: line.outputs ?? line.outOffsets,
    changelogRecords: line.changelogRecords,
    changelogMiB: line.changelogBytes === undefined ? undefined : Math.round(line.changelogBytes / 2 ** 20),
    brokerCpuSeconds: line.brokerCpuSeconds,
    verdict: verdict === undefined ? undefined : JSON.stringify(JSON.parse(verdict).verdict),
  }
}

const graceOf = (graceMs: number | undefined): readonly string[] =>
  graceMs === undefined ? [] : ['--grace', String(graceMs)]

export const javaInProcess = (
  benchmark: string,
  app: string,
  workload: WorkloadName,
  settings: readonly string[],
): Rival => ({
  name: `  Java: ${app} for ${benchmark}`,
  missing: whyNoJava,
  run: ({ records = 1_000_000, graceMs }: BenchOptions) =>
    peer(`  Java: ${app} for ${benchmark}`, [
      ...['ttd', app, inputFile(workload, records), '--records', String(records)],
      ...graceOf(graceMs),
      ...settings,
    ]),
})

const brokerOf = ({ address, pid }: KafkaUnderTest): readonly string[] => [
  ...['--brokers', address],
  ...(pid === undefined ? [] : ['--broker-pid', String(pid)]),
]

/** On the broker, with Kafka Streams' own commit interval: 30 s at least once, 100 ms exactly once. */
export const javaOnKafka = (
  name: string,
  app: string,
  workload: WorkloadName,
  guarantee: Guarantee,
  settings: readonly string[] = [],
): Rival => ({
  name,
  missing: whyNoJava,
  run: ({ records = 1_000_000, graceMs, kafka, verify }) =>
    peer(name, [
      ...['broker', app, inputFile(workload, records), ...brokerOf(kafka!), ...graceOf(graceMs)],
      ...['--guarantee', guarantee === 'exactly_once' ? 'exactly_once_v2' : guarantee],
      ...(verify ? ['--verify'] : []),
      ...settings,
    ]),
})

export const javaRestore = (
  name: string,
  app: string,
  workload: WorkloadName,
  grace: number,
  settings: readonly string[] = [],
): Rival => ({
  name,
  missing: whyNoJava,
  run: ({ records = 1_000_000, graceMs = grace, kafka }) =>
    peer(name, [
      ...['restore', app, inputFile(workload, records), ...brokerOf(kafka!), ...graceOf(graceMs)],
      ...settings,
    ]),
})
