import { RevlogError } from '../core/errors.js'
import type { ServiceEvent } from './events.js'

const REMEDY =
  "keep records longer; to go on without them, set offsetReset (--offset-reset) to 'earliest' or 'latest'"

/** Records from `position` on, up to `start`, were deleted before they were read, and nobody has said to go on. */
export const truncated = (topic: string, partition: number, position: number, start: number): RevlogError =>
  new RevlogError(
    'E_INPUT_TRUNCATED',
    `the records ${position} to ${start - 1} were deleted before they were read`,
    {
      at: { topic, partition, offset: position },
      remedy: REMEDY,
    },
  )

/** The same of a broker that says no more than where it was asked to read. */
export const truncatedMeanwhile = (outOfRange: RevlogError): RevlogError =>
  new RevlogError('E_INPUT_TRUNCATED', 'records were deleted before they were read', {
    at: outOfRange.at,
    cause: outOfRange,
    remedy: REMEDY,
  })

/** Somebody has said so: what that costs. */
export const skipped = (topic: string, partition: number, position: number, to: number): ServiceEvent => ({
  kind: 'warning',
  code: 'E_INPUT_TRUNCATED',
  problem: `the records ${position} to ${to - 1} of ${topic}, partition ${partition}, are skipped: of these, some or all were deleted before they were read`,
  remedy: 'keep records longer than the application may be away',
})
