export {
  type CorrectionReport,
  correctionReport,
  type GraceCost,
  type JoinReport,
} from './correction-report.js'
export type { Bucket, Distribution } from './distribution.js'
export type { ServiceEvent } from './events.js'
export { formatCorrectionReport } from './format-correction-report.js'
export { lastRevisions } from './last-revisions.js'
export type { OffsetReset, RunOptions, StartFrom } from './options.js'
export { run } from './run.js'
export type { NewRecord, Service, ServiceMetrics } from './service.js'
export type { SubscribeOptions } from './subscribe.js'
export type { TopicRecord } from './topic-record.js'
