import { readFileSync } from 'node:fs'

/** What this process, and the machine, have used so far. */
export interface Usage {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Of the whole machine, stolen time included: tells whether a run had the machine to itself. 0 where unknown. */
  readonly machineCpuSeconds: number
}

export function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return {
    seconds: Number(process.hrtime.bigint()) / 1e9,
    cpuSeconds: (user + system) / 1e6,
    machineCpuSeconds: machineCpuSeconds(),
  }
}

export const minus = (a: Usage, b: Usage): Usage => plus(a, b, -1)

export const plus = (a: Usage, b: Usage, times = 1): Usage => ({
  seconds: a.seconds + times * b.seconds,
  cpuSeconds: a.cpuSeconds + times * b.cpuSeconds,
  machineCpuSeconds: a.machineCpuSeconds + times * b.machineCpuSeconds,
})

/** Of another process, at 100 ticks a second; 0 where there is none to look at. */
export function cpuSecondsOf(pid: number | undefined): number {
  const stat = pid === undefined ? undefined : read(`/proc/${pid}/stat`)
  if (stat === undefined) return 0
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function machineCpuSeconds(): number {
  const [first = ''] = (read('/proc/stat') ?? '').split('\n')
  const fields = first.trim().split(/ +/)
  // user nice system, then (after idle and iowait) irq softirq steal
  return [1, 2, 3, 6, 7, 8].reduce((sum, i) => sum + Number(fields[i] ?? 0), 0) / 100
}

/** Peaks in MiB. Resident memory counts the pages of mapped files, which the system takes back when it needs them; anonymous memory does not. */
export interface PeakMemory {
  readonly rssMiB: number
  readonly anonMiB: number
  readonly mappedMiB: number
}

/** Neither of the two has a high-water mark in the system, so they are looked at: call `sample` every few milliseconds of work. */
export function createMemoryWatch(): { readonly sample: () => void; readonly peak: () => PeakMemory } {
  let anon = 0
  let mapped = 0
  const field = (status: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
  const sample = (): void => {
    const status = read('/proc/self/status') ?? ''
    anon = Math.max(anon, field(status, 'RssAnon'))
    mapped = Math.max(mapped, field(status, 'RssFile'))
  }
  return {
    sample,
    peak() {
      sample()
      const rss = field(read('/proc/self/status') ?? '', 'VmHWM') || process.resourceUsage().maxRSS / 1024
      return { rssMiB: Math.round(rss), anonMiB: Math.round(anon), mappedMiB: Math.round(mapped) }
    },
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
