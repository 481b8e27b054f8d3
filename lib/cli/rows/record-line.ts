/**
 * A line that `revlog consume` prints, and that `produce` and `--from` take back. A JSON line is a record when it
 * is an object with `key` and `value` and no member beyond those of a record; any other line is a value.
 */
export interface RecordLine {
  readonly key: unknown
  /** `null` is a tombstone. */
  readonly value: unknown
  /** Event time: milliseconds since the epoch, or an ISO 8601 date with its zone. */
  readonly timestamp?: unknown
  /** From name to text, to `{ "base64": … }`, or to a list of these where a name repeats. */
  readonly headers?: unknown
}

const MEMBERS: ReadonlySet<string> = new Set([
  'key',
  'value',
  'timestamp',
  'headers',
  // What only a record that was read has. It says nothing about where the record goes.
  'topic',
  'partition',
  'offset',
  'revision',
  'asOf',
  'cause',
  'final',
  'late',
  'historyExpired',
])

export function isRecordLine(value: unknown): value is RecordLine {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return 'key' in value && 'value' in value && Object.keys(value).every((name) => MEMBERS.has(name))
}
