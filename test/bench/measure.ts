import type { Result } from './result.js'
import { createMemoryWatch, usage } from './usage.js'

export interface Measured {
  readonly records: number
  readonly details?: { readonly [name: string]: number | string | undefined }
}

/** Runs something once and says what it took. `tick` is to be called every few milliseconds of work. */
export async function measure(
  benchmark: string,
  run: (tick: () => void) => Measured | Promise<Measured>,
): Promise<Result> {
  const memory = createMemoryWatch()
  let ticks = 0
  const before = usage()
  const { records, details = {} } = await run(() => {
    if (ticks++ % 16 === 0) memory.sample()
  })
  const after = usage()
  const seconds = after.seconds - before.seconds
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds
  const others = after.machineCpuSeconds - before.machineCpuSeconds - cpuSeconds
  const { rssMiB, anonMiB } = memory.peak()
  return {
    benchmark,
    records,
    seconds: round(seconds, 3),
    recordsPerSecond: Math.round(records / seconds),
    nsPerRecord: Math.round((seconds * 1e9) / records),
    cpuSeconds: round(cpuSeconds, 2),
    othersCpuSeconds: round(Math.max(0, others), 2),
    peakRssMiB: rssMiB,
    peakAnonMiB: anonMiB,
    ...details,
  }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))
