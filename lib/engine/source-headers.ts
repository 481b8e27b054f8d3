import type { Header, ProducerRecord } from '../core/record.js'
import type { Current } from './errors.js'

/** What an output was made from: `topic-partition@offset`, and `#n` for the n-th after the first of its key. */
export const SOURCE_HEADER = 'revlog-source'

/**
 * Says on each output which input record it was made from. Whoever writes outputs into a system that takes them once
 * for each pair of key and source is not harmed by those that come again after a crash. Outputs of timers have none.
 */
export function createSourceHeaders(
  current: Current,
  partition: number,
): (record: ProducerRecord) => ProducerRecord {
  let raw: Current['raw']
  let counts = new Map<string, number>()

  function header({ topic, key }: ProducerRecord): Header {
    if (raw !== current.raw) {
      raw = current.raw
      counts = new Map()
    }
    const name = `${topic} ${key?.toString('latin1')}`
    const n = counts.get(name) ?? 0
    counts.set(name, n + 1)
    const source = `${current.topic}-${partition}@${raw!.offset}`
    return { key: SOURCE_HEADER, value: Buffer.from(n === 0 ? source : `${source}#${n}`) }
  }
  return (record) =>
    current.raw === undefined ? record : { ...record, headers: [...record.headers, header(record)] }
}
