import type { Benchmark, Rival } from './benchmarks.js'
import { type JobName, jobOf } from './jobs.js'
import { kafkaLatency } from './kafka-latency.js'
import { nodeOnKafka } from './kafka-node-peer.js'
import { restoreOnKafka } from './kafka-restore.js'
import { type Guarantee, runOnce } from './kafka-run.js'
import { javaOnKafka, javaRestore, UNCACHED, whyNoJava } from './peer.js'
import { GRACE_MS } from './workload.js'

/**
 * On real Apache Kafka, beside others on the same input and the same broker: one member, one thread, one partition.
 * Slow, so they run when they are named: `npm run bench kafka`.
 */
const throughput = (job: JobName, guarantee: Guarantee): Benchmark => {
  const name = `kafka-${job}/${guarantee}`
  const { workload, peer } = jobOf(job, { graceMs: GRACE_MS })
  const uncached = javaOnKafka(`  Java: ${peer} for ${name}`, peer!, workload, guarantee, UNCACHED)
  const cached = javaOnKafka(`  Java: ${peer}, cached, for ${name}`, peer!, workload, guarantee)
  const node = nodeOnKafka(`  Node: @kafkats/flow for ${name}`, workload, guarantee)
  return {
    name,
    slow: true,
    onKafka: true,
    run: (options) => runOnce(name, job, guarantee, options),
    rivals: [uncached, ...(job === 'count' ? [cached] : []), node],
  }
}

const restore = (job: JobName, graceMs: number): Benchmark => {
  const name = `kafka-restore-${job}`
  const { workload, peer } = jobOf(job, { graceMs })
  return {
    name,
    slow: true,
    onKafka: true,
    run: (options) => restoreOnKafka(name, job, graceMs, options),
    rivals: [javaRestore(`  Java: ${peer} for ${name}`, peer!, workload, graceMs, UNCACHED)],
  }
}

const latency: Benchmark = {
  name: 'kafka-latency',
  slow: true,
  onKafka: true,
  run: (options) => kafkaLatency('kafka-latency', 'revlog', options),
  rivals: [
    {
      name: '  Java: asof-segmented for kafka-latency',
      missing: whyNoJava,
      run: (options) => kafkaLatency('  Java: asof-segmented for kafka-latency', 'java', options),
    } satisfies Rival,
  ],
}

const GUARANTEES: readonly Guarantee[] = ['at_least_once', 'exactly_once']
/** With everything that a minute holds, as the Java peer's own figures have it. */
const RESTORE_GRACE_MS = 60_000

export const kafka: readonly Benchmark[] = [
  ...(['asof-hot', 'asof-wide', 'count'] as const).flatMap((job) =>
    GUARANTEES.map((guarantee) => throughput(job, guarantee)),
  ),
  restore('count', GRACE_MS),
  restore('asof-wide', RESTORE_GRACE_MS),
  latency,
]
