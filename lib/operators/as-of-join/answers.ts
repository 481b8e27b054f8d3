import type { Header, Headers } from '../../core/record.js'
import { encodeRevision, REVISION_HEADERS } from '../../core/revision.js'
import type { Version } from './entries.js'

/** What an answer says about itself, beside its value. */
export interface AnswerFacts {
  readonly generation: number
  readonly leftOffset: number
  readonly ordinal: number
  readonly rightPosition: number
  readonly match: Version | undefined
  /** The right record that corrected it. */
  readonly cause: Header | undefined
  readonly final: boolean
  readonly late: boolean
  readonly historyExpired: boolean
}

const YES = Buffer.of(1)
const FINAL: Header = Object.freeze({ key: REVISION_HEADERS.final, value: YES })
const LATE: Header = Object.freeze({ key: REVISION_HEADERS.late, value: YES })
const HISTORY_EXPIRED: Header = Object.freeze({ key: REVISION_HEADERS.historyExpired, value: YES })

/** The left event's headers, then the revision and what else is to be said. */
export function answerHeaders(left: Headers, facts: AnswerFacts): Headers {
  const { match, cause, final, late, historyExpired } = facts
  const revision = { key: REVISION_HEADERS.revision, value: encodeRevision(facts) }
  // Answers wait for the commit by the ten thousand, and an array that was pushed to has room for seventeen.
  if (left.length === 0 && cause === undefined && !final && !late)
    return match === undefined ? [revision] : [revision, asOf(match)]
  const headers: Header[] = [...left, revision]
  if (match !== undefined) headers.push(asOf(match))
  if (cause !== undefined) headers.push(cause)
  if (final) headers.push(FINAL)
  if (late) headers.push(LATE)
  if (historyExpired) headers.push(HISTORY_EXPIRED)
  return headers
}

/** Made once for all answers from a version. */
function asOf(match: Version): Header {
  match.asOf ??= { key: REVISION_HEADERS.asOf, value: encodeTime(match.t) }
  return match.asOf
}

/** `topic-partition@offset` of a right record, once for all the answers that it corrects. */
export const causeHeader = (topic: string, partition: number, offset: number): Header => ({
  key: REVISION_HEADERS.cause,
  value: Buffer.from(`${topic}-${partition}@${offset}`, 'utf8'),
})

/** int64 big-endian. */
function encodeTime(t: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeInt32BE(Math.floor(t / 0x1_0000_0000), 0)
  bytes.writeUInt32BE(t >>> 0, 4)
  return bytes
}
