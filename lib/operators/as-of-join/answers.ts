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
  /** `topic-partition@offset` of the right record that corrected it. */
  readonly cause: string | undefined
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
  const headers: Header[] = left.length === 0 ? [] : [...left]
  headers.push({ key: REVISION_HEADERS.revision, value: encodeRevision(facts) })
  const { match, cause } = facts
  if (match !== undefined) headers.push({ key: REVISION_HEADERS.asOf, value: encodeTime(match.t) })
  if (cause !== undefined) headers.push({ key: REVISION_HEADERS.cause, value: Buffer.from(cause, 'utf8') })
  if (facts.final) headers.push(FINAL)
  if (facts.late) headers.push(LATE)
  if (facts.historyExpired) headers.push(HISTORY_EXPIRED)
  return headers
}

/** int64 big-endian. */
function encodeTime(t: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeInt32BE(Math.floor(t / 0x1_0000_0000), 0)
  bytes.writeUInt32BE(t >>> 0, 4)
  return bytes
}
