import { createHistogram, type Histogram, type MetricsSnapshot } from '../../../core/metrics.js'
import type { RoomReport } from '../engine-room.js'

/** A report as it travels between threads: histograms are functions, and those do not. */
export interface PortableReport extends Pick<RoomReport, 'lag' | 'standbys'> {
  readonly service: PortableSnapshot
  readonly tasks: ReadonlyMap<string, PortableSnapshot>
}

interface PortableSnapshot extends Pick<MetricsSnapshot, 'counters' | 'gauges'> {
  readonly histograms: ReadonlyMap<string, Pick<Histogram, 'max'> & { readonly buckets: Buckets }>
}

type Buckets = ReturnType<Histogram['buckets']>

export const encodeReport = ({ lag, standbys, service, tasks }: RoomReport): PortableReport => ({
  lag,
  standbys,
  service: encodeSnapshot(service),
  tasks: mapped(tasks, encodeSnapshot),
})

const encodeSnapshot = ({ counters, gauges, histograms }: MetricsSnapshot): PortableSnapshot => ({
  counters,
  gauges,
  histograms: mapped(histograms, ({ max, buckets }) => ({ max, buckets: buckets() })),
})

/** Of all threads together. A task is in one of them. */
export const addReports = (reports: readonly PortableReport[]): RoomReport => ({
  lag: reports.reduce((sum, { lag }) => sum + lag, 0),
  standbys: new Map(reports.flatMap(({ standbys }) => [...standbys])),
  service: addSnapshots(reports.map(({ service }) => service)),
  tasks: new Map(
    reports.flatMap(({ tasks }) => [...tasks].map(([id, task]) => [id, addSnapshots([task])] as const)),
  ),
})

function addSnapshots(snapshots: readonly PortableSnapshot[]): MetricsSnapshot {
  const counters = new Map<string, number>()
  const histograms = new Map<string, Histogram>()
  for (const snapshot of snapshots) {
    for (const [name, n] of snapshot.counters) counters.set(name, (counters.get(name) ?? 0) + n)
    for (const [name, { max, buckets }] of snapshot.histograms) {
      const sum = histograms.get(name) ?? createHistogram()
      histograms.set(name, sum)
      for (const { from, count } of buckets) sum.record(from, count)
      sum.record(max, 0)
    }
  }
  return { counters, gauges: new Map(snapshots.flatMap(({ gauges }) => [...gauges])), histograms }
}

const mapped = <A, B>(map: ReadonlyMap<string, A>, to: (value: A) => B): Map<string, B> =>
  new Map([...map].map(([name, value]) => [name, to(value)]))
