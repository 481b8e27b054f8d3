import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../house/tree.js'
import type { Benchmark, BenchOptions } from './benchmarks.js'
import { inputFile } from './input-file.js'
import type { Result } from './result.js'
import { outputOf } from './run-child.js'

/** Kafka Streams on the JVM, with programs that do the same as our jobs. It is no part of this project. */
const SCRIPT = join(root, '..', 'shared', 'peers', 'kafka-streams', 'run.sh')
const BUILD = join(tmpdir(), 'revlog-bench', 'kafka-streams')

/** A sentence that says what is missing; `undefined` when the peer can run. Builds it when it was not built yet. */
export function whyNoPeer(): string | undefined {
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

interface PeerLine {
  readonly records: number
  readonly seconds: number
  readonly recordsPerSecond: number
  readonly cpuSeconds: number
  readonly othersCpuSeconds: number
  readonly peakRssMiB: number
  readonly outputs: number
  readonly changelogRecords: number
}

export async function comparePeer(
  { name, peer }: Benchmark,
  { records = 1_000_000, graceMs }: BenchOptions,
): Promise<Result> {
  const { app, workload, options } = peer!
  const env = { ...process.env, BUILD }
  const grace = graceMs === undefined ? [] : ['--grace', String(graceMs)]
  const args = [
    SCRIPT,
    'ttd',
    app,
    inputFile(workload, records),
    '--records',
    String(records),
    ...grace,
    ...options,
  ]
  const line = JSON.parse((await outputOf('bash', args, env)).trimEnd().split('\n').at(-1)!) as PeerLine
  return {
    benchmark: `  Java: ${app} for ${name}`,
    records: line.records,
    seconds: line.seconds,
    recordsPerSecond: line.recordsPerSecond,
    nsPerRecord: Math.round(1e9 / line.recordsPerSecond),
    cpuSeconds: line.cpuSeconds,
    othersCpuSeconds: line.othersCpuSeconds,
    peakRssMiB: line.peakRssMiB,
    peakAnonMiB: 0,
    peakMappedMiB: 0,
    outputs: line.outputs,
    changelogRecords: line.changelogRecords,
  }
}
