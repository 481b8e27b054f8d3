import { formatRevision, REVISION_HEADERS } from 'revlog'
import type { Service, TopicRecord } from 'revlog/service'
import { type Advice, advice } from '../consultants.js'

/** A record of the revision log: an answer, and what one knows of it. */
export interface Answer {
  readonly advice: Advice
  /** The mood of the answer before it; `undefined` for a first answer. */
  readonly before: string | undefined
  /** `left offset.right position` */
  readonly revision: string
  /** The offset in `moods` of the record that caused this correction. */
  readonly cause: number | undefined
}

/** Reads the revision log as it grows, and keeps what it says of each recommendation. */
export interface Answers {
  /** What was answered since the last call. Ask when the service has caught up. */
  readonly fresh: () => Promise<readonly Answer[]>
  readonly first: ReadonlyMap<string, string>
  readonly last: ReadonlyMap<string, string>
  /** The recommendation that was answered most often. */
  readonly mostRevised: () => string
}

export function readAnswers(service: Service): Answers {
  const records = service.subscribe(advice)[Symbol.asyncIterator]()
  const first = new Map<string, string>()
  const last = new Map<string, string>()
  const revisions = new Map<string, number>()
  let next = 0

  function take({ value, headers }: TopicRecord<string, Advice>): Answer | undefined {
    if (value === undefined) return undefined
    const header = (name: string): Buffer | undefined => headers.find(({ key }) => key === name)?.value
    const revision = header(REVISION_HEADERS.revision)
    const cause = header(REVISION_HEADERS.cause)?.toString()
    const before = last.get(value.id)
    if (before === undefined) first.set(value.id, value.mood)
    last.set(value.id, value.mood)
    revisions.set(value.id, (revisions.get(value.id) ?? 0) + 1)
    return {
      advice: value,
      before,
      revision: revision === undefined ? '' : formatRevision(revision),
      cause: cause === undefined ? undefined : Number(cause.slice(cause.lastIndexOf('@') + 1)),
    }
  }
  return {
    first,
    last,
    mostRevised: () => [...revisions].reduce((most, one) => (one[1] > most[1] ? one : most))[0],
    async fresh() {
      const [end = 0] = await service.broker.endOffsets(advice.name)
      const answers: Answer[] = []
      while (next < end) {
        const result = await records.next()
        if (result.done === true) break
        next = result.value.offset + 1
        const answer = take(result.value)
        if (answer !== undefined) answers.push(answer)
      }
      return answers
    },
  }
}
