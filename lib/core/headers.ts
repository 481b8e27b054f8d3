import { type Header, type Headers, NO_HEADERS } from './record.js'

const isRevision = (header: Header): boolean => header.key.startsWith('revlog-')

/** Headers without those of a revision: what is made from an answer is not that answer. */
export function withoutRevision(headers: Headers): Headers {
  if (headers.length === 0 || !headers.some(isRevision)) return headers
  const kept = headers.filter((header) => !isRevision(header))
  return kept.length === 0 ? NO_HEADERS : kept
}
