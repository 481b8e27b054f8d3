import assert from 'node:assert/strict'
import type { Header } from '../../lib/core/record.js'
import { encodeRevision } from '../../lib/core/revision.js'
import { REVISION_HEADERS, stream, string, topic, topology } from '../../lib/index.js'
import { TopologyTestDriver } from '../../test-driver/index.js'

const answers = topic('answers', { key: string(), value: string() })
const copies = topic('copies', { key: string(), value: string() })
const copying = topology('copying', [stream(answers).to(copies)])

const revision = (leftOffset: number, rightPosition: number): Header => ({
  key: REVISION_HEADERS.revision,
  value: encodeRevision({ generation: 0, leftOffset, ordinal: 0, rightPosition }),
})
const asOf = (time: bigint): Header => {
  const value = Buffer.alloc(8)
  value.writeBigInt64BE(time)
  return { key: REVISION_HEADERS.asOf, value }
}

const filled = () => {
  const driver = new TopologyTestDriver(copying)
  driver.inputTopic(answers).pipeRecordList([
    { key: 'a', value: 'first', headers: [revision(3, 0)] },
    { key: 'b', value: 'gone soon', headers: [revision(4, 0)] },
    {
      key: 'a',
      value: 'corrected',
      timestamp: 9,
      headers: [revision(3, 8), asOf(7n), { key: REVISION_HEADERS.cause, value: Buffer.from('moods-0@7') }],
    },
    { key: 'a', value: 'a stale one, sent again by a zombie', headers: [revision(3, 2)] },
    { key: 'b', value: undefined, headers: [revision(4, 5)] },
    { key: 'b', value: 'stale, and must not come back', headers: [revision(4, 1)] },
    {
      key: 'c',
      value: 'final',
      headers: [revision(6, 1), { key: REVISION_HEADERS.final, value: Buffer.of(1) }],
    },
  ])
  return driver
}

describe('the revisions of a topic', () => {
  it('of one id, in the order of writing, with what caused them', () => {
    using driver = filled()
    const none = { asOf: undefined, cause: undefined, final: false, late: false, historyExpired: false }
    assert.deepEqual(driver.revisions(copies, 'a'), [
      { ...none, revision: '3.0', value: 'first', timestamp: 0, partition: 0, offset: 0 },
      {
        ...none,
        revision: '3.8',
        value: 'corrected',
        timestamp: 9,
        asOf: 7,
        cause: 'moods-0@7',
        partition: 0,
        offset: 2,
      },
      {
        ...none,
        revision: '3.2',
        value: 'a stale one, sent again by a zombie',
        timestamp: 0,
        partition: 0,
        offset: 3,
      },
    ])
    assert.equal(driver.revisions(copies, 'c')[0]?.final, true)
    assert.deepEqual(driver.revisions(copies, 'nobody'), [])
  })

  it('the table of last ones has the greatest of each id, and a deleted one stays deleted', () => {
    using driver = filled()
    assert.deepEqual(
      driver.lastRevisions(copies),
      new Map([
        ['a', 'corrected'],
        ['c', 'final'],
      ]),
    )
  })

  it('are read without taking anything away from an output topic', () => {
    using driver = filled()
    driver.lastRevisions(copies)
    driver.revisions(copies, 'a')
    assert.equal(driver.outputTopic(copies).queueSize(), 7)
  })
})
