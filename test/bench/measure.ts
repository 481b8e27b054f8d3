import type { Result } from './result.js'
import { createMemoryWatch, minus, type PeakMemory, plus, type Usage, usage } from './usage.js'

export interface Measured {
  readonly records: number
  readonly details?: { readonly [name: string]: number | string | undefined }
}

export interface Stopwatch {
  /** To be called every few milliseconds of work: looks at the memory. */
  readonly tick: () => void
  /** Runs what does not belong to the benchmark, off the clock. */
  readonly pause: <T>(run: () => T) => T
}

/** Runs something once and says what it took. */
export async function measure(
  benchmark: string,
  run: (watch: Stopwatch) => Measured | Promise<Measured>,
): Promise<Result> {
  const memory = createMemoryWatch()
  let ticks = 0
  let paused: Usage = { seconds: 0, cpuSeconds: 0, machineCpuSeconds: 0 }
  const before = usage()
  const { records, details = {} } = await run({
    tick: () => {
      if (ticks++ % 16 === 0) memory.sample()
    },
    pause: (other) => {
      const from = usage()
      const made = other()
      paused = plus(paused, minus(usage(), from))
      return made
    },
  })
  return resultOf(benchmark, records, minus(minus(usage(), before), paused), memory.peak(), details)
}

/** @param used by whatever was measured */
export function resultOf(
  benchmark: string,
  records: number,
  { seconds, cpuSeconds, machineCpuSeconds }: Usage,
  { rssMiB, anonMiB, mappedMiB }: PeakMemory,
  details: Measured['details'],
): Result {
  return {
    benchmark,
    records,
    seconds: round(seconds, 3),
    recordsPerSecond: Math.round(records / seconds),
    nsPerRecord: Math.round((seconds * 1e9) / records),
    cpuSeconds: round(cpuSeconds, 2),
    othersCpuSeconds: round(Math.max(0, machineCpuSeconds - cpuSeconds), 2),
    peakRssMiB: rssMiB,
    peakAnonMiB: anonMiB,
    peakMappedMiB: mappedMiB,
    ...details,
  }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))
