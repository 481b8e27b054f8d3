import type { Metrics } from '../../core/metrics.js'

/**
 * What the join counts, each name prefixed by the operator's:
 *
 *     first-answers          first answers emitted                       counter
 *     corrections            answers emitted because another one was wrong
 *     corrected-answers      left events whose first answer was wrong
 *     suppressed             answers evaluated again that stayed the same
 *     replaced               left events that came again under their id with other content
 *     repeated               left events that came again as they were
 *     finals                 answers emitted as final
 *     late-answers           left events answered behind the horizon
 *     history-expired        of those, answers whose history was gone
 *     superseded             right versions that lost a tie by `sequence`
 *     lateness-left          ms behind the newest of its own side        histogram, on time = 0
 *     lateness-right
 *     time-to-correction     event time from first answer to correction, ms
 *     correction-grace       the grace period that a correction needed, ms
 *     horizon                event time, ms; what is older is final      gauge
 *     held-back              ms by which the slower side holds the horizon back
 */
export function createMeasures(metrics: Metrics) {
  return {
    firstAnswers: metrics.counter('first-answers'),
    corrections: metrics.counter('corrections'),
    correctedAnswers: metrics.counter('corrected-answers'),
    suppressed: metrics.counter('suppressed'),
    replaced: metrics.counter('replaced'),
    repeated: metrics.counter('repeated'),
    finals: metrics.counter('finals'),
    lateAnswers: metrics.counter('late-answers'),
    historyExpired: metrics.counter('history-expired'),
    superseded: metrics.counter('superseded'),
    latenessLeft: metrics.histogram('lateness-left'),
    latenessRight: metrics.histogram('lateness-right'),
    timeToCorrection: metrics.histogram('time-to-correction'),
    correctionGrace: metrics.histogram('correction-grace'),
    horizon: metrics.gauge('horizon'),
    heldBack: metrics.gauge('held-back'),
  }
}

export type Measures = ReturnType<typeof createMeasures>
