import assert from 'node:assert/strict'
import type { LogRecord } from '../../../lib/core/record.js'
import type { ChangelogLog } from '../../../lib/service/protocol/ports.js'
import { readTail } from '../../../lib/service/protocol/tail.js'
import { encodeCommit, encodeEpoch, encodeIdentity, epochHeaders } from '../../../lib/state/changelog.js'
import { createMemoryBackend } from '../../../lib/state/memory/index.js'

const IDS = new Map([['store', 1]])
type Encoded = ReturnType<typeof encodeCommit>

/** A changelog in memory, which a writer adds to. */
function logInMemory() {
  const records: LogRecord[] = []
  const log: ChangelogLog = {
    topic: 'changelog',
    partition: 0,
    bounds: async () => ({ start: 0, end: records.length }),
    async read(offset) {
      const found = records.slice(offset, offset + 3)
      return { records: found, nextOffset: offset + found.length }
    },
  }
  const write = (encoded: Encoded, epoch = 1): void => {
    for (const { key, value } of encoded) {
      records.push({ key, value, timestamp: 0, headers: epochHeaders(epoch), offset: records.length })
    }
  }
  return { log, write }
}

const rows = (from: number, to: number, value: string): Encoded => {
  const writes = Array.from({ length: to - from }, (_, i) => ({
    key: String(from + i).padStart(4, '0'),
    value: Buffer.from(value),
  }))
  return encodeCommit(IDS, [{ store: 'store', writes }], Buffer.from(value))
}
/** A commit that was cut off, or is under way: its marker is missing. */
const withoutMarker = (encoded: Encoded): Encoded => encoded.slice(0, -1)

describe('the tail of a changelog', () => {
  for (const transactionRows of [5, 1_000]) {
    it(`is read from a whole state on, also when more than a transaction (${transactionRows}) has no marker`, async () => {
      const { log, write } = logInMemory()
      write([encodeEpoch(1), encodeIdentity(IDS, 'id')])
      write(rows(0, 20, 'first'))
      const backend = createMemoryBackend()
      const known = await readTail(backend, log, { transactionRows })
      assert.equal(known.checkpoint.state, 'whole')
      write(withoutMarker(rows(10, 60, 'lost')))
      const tail = await readTail(backend, log, { transactionRows })
      assert.equal(backend.metadata()?.toString(), 'first')
      assert.deepEqual([...new Set(tail.doubtful)].length, 50)
      assert.equal(tail.checkpoint.offset, known.checkpoint.offset)
      const kept = Array.from({ length: 60 }, (_, i) => backend.rows('store').get(String(i).padStart(4, '0')))
      assert.deepEqual(
        kept.map((value) => value?.toString()),
        Array.from({ length: 60 }, (_, i) => (i < 20 ? 'first' : undefined)),
      )
    })
  }

  it('is followed commit by commit, and what is under way waits for its marker', async () => {
    const { log, write } = logInMemory()
    write([encodeEpoch(1), encodeIdentity(IDS, 'id')])
    write(rows(0, 20, 'first'))
    const backend = createMemoryBackend()
    const { checkpoint: from } = await readTail(backend, log, { transactionRows: 5 })
    const commit = rows(10, 40, 'second')
    write(withoutMarker(commit))
    const under = await readTail(backend, log, { from, transactionRows: Infinity })
    assert.deepEqual([under.checkpoint.offset, under.doubtful.length], [from.offset, 30])
    assert.equal(backend.metadata()?.toString(), 'first')
    write(commit.slice(-1))
    const closed = await readTail(backend, log, { from: under.checkpoint, transactionRows: Infinity })
    assert.deepEqual([closed.checkpoint.offset, closed.doubtful], [closed.end, []])
    assert.equal(backend.metadata()?.toString(), 'second')
    assert.equal(backend.rows('store').get('0039')?.toString(), 'second')
    assert.equal(backend.rows('store').get('0009')?.toString(), 'first')
  })
})
