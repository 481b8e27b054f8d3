import { correctionReport } from '../service/correction-report.js'
import { formatCorrectionReport } from '../service/format-correction-report.js'
import type { Service } from '../service/service.js'
import { progressLine } from './progress.js'
import type { Screen } from './screen.js'

const LOOK_EVERY_MS = 100

/** Waits until everything that is there is processed, and shows how far it is. */
export async function processToTheEnd(service: Service, screen: Screen): Promise<void> {
  const processed = processedBy(service)
  const begin = Date.now()
  const look = () => {
    const done = processed()
    return { done, total: done + service.lag(), counted: done, unit: 'record' }
  }
  const progress = progressLine(screen, service.application, look, begin)
  const timer = setInterval(() => progress.tick(Date.now()), LOOK_EVERY_MS)
  try {
    await service.caughtUp()
  } finally {
    clearInterval(timer)
  }
  progress.end(Date.now())
}

/** Shows what comes and goes until the service ends by itself or is stopped. */
export async function processForEver(service: Service, screen: Screen): Promise<void> {
  const processed = processedBy(service)
  const begin = Date.now()
  let last = -1
  const look = () => ({ done: 0, total: undefined, counted: processed(), unit: 'record' })
  const progress = progressLine(screen, service.application, look, begin)
  // Where lines cannot be replaced, a quiet hour must not fill a log.
  const timer = setInterval(() => {
    const now = processed()
    if (now !== last || screen.live) progress.tick(Date.now())
    last = now
  }, LOOK_EVERY_MS)
  try {
    await service.finished
  } finally {
    clearInterval(timer)
  }
  progress.end(Date.now())
}

/** Records that this service has processed since it was started. */
const processedBy =
  (service: Service): (() => number) =>
  () =>
    sum(service, (name) => name === 'process-total')

/** Says what had to be corrected, what was dropped and why: at the end of a run. */
export function sayReport(service: Service, screen: Screen): void {
  const text = formatCorrectionReport(correctionReport(service.metrics()))
  if (text !== '') for (const line of text.split('\n')) screen.say(line)
}

function sum(service: Service, wanted: (name: string) => boolean): number {
  let total = 0
  for (const { counters } of service.metrics().tasks.values()) {
    for (const [name, value] of counters) if (wanted(name)) total += value
  }
  return total
}
