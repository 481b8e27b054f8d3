import assert from 'node:assert/strict'
import { apiVersionsRequest } from '../../../lib/brokers/kafka/wire/api-versions.js'
import { kafkaError, kafkaErrorCode, kafkaErrorOf } from '../../../lib/brokers/kafka/wire/error-codes.js'
import { fetchRequest } from '../../../lib/brokers/kafka/wire/fetch.js'
import { findCoordinatorRequest } from '../../../lib/brokers/kafka/wire/find-coordinator.js'
import {
  deleteGroupRequest,
  describeGroupRequest,
  removeMembersRequest,
} from '../../../lib/brokers/kafka/wire/groups.js'
import { listOffsetsRequest } from '../../../lib/brokers/kafka/wire/list-offsets.js'
import { metadataRequest } from '../../../lib/brokers/kafka/wire/metadata.js'
import {
  offsetCommitRequest,
  offsetFetchRequest,
  txnOffsetCommitRequest,
} from '../../../lib/brokers/kafka/wire/offsets.js'
import { permissionsRequest } from '../../../lib/brokers/kafka/wire/permissions.js'
import { produceRequest } from '../../../lib/brokers/kafka/wire/produce.js'
import { createWriter } from '../../../lib/brokers/kafka/wire/protocol-writer.js'
import type { Request } from '../../../lib/brokers/kafka/wire/request.js'
import {
  addOffsetsToTxnRequest,
  addPartitionsToTxnRequest,
  endTxnRequest,
  initProducerIdRequest,
} from '../../../lib/brokers/kafka/wire/transactions.js'
import { RevlogError } from '../../../lib/core/errors.js'
import { createRandom } from '../support.js'

const owner = { transactionalId: 'x', producerId: 1, producerEpoch: 0 }
const fetch = fetchRequest({
  ...{ committed: true, maxWaitMs: 1, minBytes: 1, maxBytes: 1, maxPartitionBytes: 1 },
  partitions: [],
})
const metadata = metadataRequest('all')
const offsetFetch = offsetFetchRequest('g', [], true)

const REQUESTS: readonly Request<unknown>[] = [
  produceRequest({ transactionalId: undefined, timeoutMs: 1, batches: [] }),
  fetch,
  listOffsetsRequest(true, []),
  metadata,
  findCoordinatorRequest('group', 'g'),
  offsetCommitRequest({ group: 'g' }, []),
  offsetFetch,
  txnOffsetCommitRequest('x', 1, 0, { group: 'g' }, []),
  initProducerIdRequest('x', 1),
  addPartitionsToTxnRequest(owner, []),
  addOffsetsToTxnRequest(owner, 'g'),
  endTxnRequest(owner, true),
  describeGroupRequest('g'),
  deleteGroupRequest('g'),
  removeMembersRequest('g', []),
  apiVersionsRequest(),
  permissionsRequest([]),
]

/** Decodes, or fails with the one code there is for it. */
function attempt(request: Request<unknown>, answer: Buffer): boolean {
  try {
    request.decode(answer)
    return true
  } catch (error) {
    assert.ok(
      error instanceof RevlogError && error.code === 'E_KAFKA_PROTOCOL',
      `${request.apiName}: ${error}`,
    )
    return false
  }
}

/** A fetch of two partitions, one of which has batches and an aborted transaction. */
function fetchAnswer(): Buffer {
  const writer = createWriter()
  writer.int32(0)
  writer.int16(0)
  writer.int32(0)
  writer.array(['moods'], (topic) => {
    writer.string(topic)
    writer.array([0, 1], (partition) => {
      writer.int32(partition)
      writer.int16(0)
      for (const offset of [9, 8, 2 ** 40]) writer.int64(offset)
      if (partition === 0) writer.int32(-1)
      else
        writer.array([4], (producerId) => {
          writer.int64(producerId)
          writer.int64(6)
        })
      writer.int32(-1)
      if (partition === 0) writer.int32(-1)
      else writer.bytes(Buffer.from('batches'))
    })
  })
  return writer.take()
}

/** Offsets of a group, with tagged fields that we do not know at both ends. */
function offsetFetchAnswer(): Buffer {
  const writer = createWriter(true)
  const tagged = (): void => {
    for (const byte of [1, 5, 2, 0xaa, 0xbb]) writer.int8((byte << 24) >> 24)
  }
  tagged()
  writer.int32(0)
  writer.array(['moods'], (topic) => {
    writer.string(topic)
    writer.array([3], (partition) => {
      writer.int32(partition)
      writer.int64(77)
      writer.int32(-1)
      writer.string(undefined)
      writer.int16(0)
      writer.end()
    })
    writer.end()
  })
  writer.int16(0)
  tagged()
  return writer.take()
}

describe('answers of a broker', () => {
  it('are read, also with what is missing in them', () => {
    const place = {
      topic: 'moods',
      errorCode: 0,
      highWatermark: 9,
      lastStableOffset: 8,
      logStartOffset: 2 ** 40,
    }
    assert.deepEqual(fetch.decode(fetchAnswer()), {
      errorCode: 0,
      partitions: [
        { ...place, partition: 0, aborted: [], bytes: Buffer.alloc(0) },
        {
          ...place,
          partition: 1,
          aborted: [{ producerId: 4, firstOffset: 6 }],
          bytes: Buffer.from('batches'),
        },
      ],
    })
  })

  it('are read over tagged fields of a newer broker', () => {
    assert.deepEqual(offsetFetch.decode(offsetFetchAnswer()), {
      errorCode: 0,
      partitions: [{ topic: 'moods', partition: 3, errorCode: 0, offset: 77, metadata: undefined }],
    })
  })

  it('that are cut off are refused', () => {
    for (const [request, answer] of [
      [fetch, fetchAnswer()],
      [offsetFetch, offsetFetchAnswer()],
    ] as const) {
      for (let cut = 0; cut < answer.length; cut++) {
        assert.equal(attempt(request, answer.subarray(0, cut)), false, `${request.apiName} after ${cut}`)
      }
    }
  })

  it('with any byte changed are read or refused, and nothing else', () => {
    for (const [request, answer] of [
      [fetch, fetchAnswer()],
      [offsetFetch, offsetFetchAnswer()],
    ] as const) {
      for (let at = 0; at < answer.length; at++) {
        for (let value = 0; value < 256; value++) {
          const bytes = Buffer.from(answer)
          bytes[at] = value
          attempt(request, bytes)
        }
      }
    }
  })

  it('of any bytes are read or refused, and nothing else', () => {
    const random = createRandom(9)
    for (let i = 0; i < 2_000; i++) {
      const sparse = random.chance(0.5)
      const bytes = Buffer.from(
        Array.from({ length: random.below(120) }, () =>
          sparse && random.chance(0.8) ? 0 : random.below(256),
        ),
      )
      for (const request of REQUESTS) attempt(request, bytes)
    }
  })

  it('that promise lists without end are refused at once', () => {
    const bytes = Buffer.alloc(1_000)
    bytes.writeInt32BE(2 ** 31 - 1, 4)
    const before = process.memoryUsage().heapUsed
    assert.equal(attempt(metadata, bytes), false)
    assert.ok(process.memoryUsage().heapUsed - before < 10_000_000)
  })
})

describe('the codes of Kafka', () => {
  it('have names, and say whether it passes and whether to ask again who leads', () => {
    assert.deepEqual(kafkaErrorCode(6), {
      code: 6,
      name: 'NOT_LEADER_OR_FOLLOWER',
      retriable: true,
      staleMetadata: true,
    })
    const names = [14, 47, 51, 88, 90, 120].map((code) => kafkaErrorCode(code).name)
    assert.deepEqual(names, [
      'COORDINATOR_LOAD_IN_PROGRESS',
      'INVALID_PRODUCER_EPOCH',
      'CONCURRENT_TRANSACTIONS',
      'UNSTABLE_OFFSET_COMMIT',
      'PRODUCER_FENCED',
      'TRANSACTION_ABORTABLE',
    ])
    for (let code = -1; code <= 133; code++)
      assert.doesNotMatch(kafkaErrorCode(code || 1).name, /^UNKNOWN_\d/)
    assert.deepEqual(kafkaErrorCode(999), {
      code: 999,
      name: 'UNKNOWN_999',
      retriable: false,
      staleMetadata: false,
    })
  })

  it('are an error with a code of ours, and what Kafka said is kept', () => {
    const error = kafkaError(29, 'records were not written', { topic: 'moods' })
    assert.equal(error.code, 'E_AUTHORIZATION')
    assert.match(error.message, /TOPIC_AUTHORIZATION_FAILED \(topic moods\)\n {2}remedy: grant/)
    assert.equal(kafkaErrorOf(error)?.code, 29)
    assert.equal(kafkaError(90, 'x').code, 'E_KAFKA_PRODUCER_FENCED')
    assert.equal(kafkaErrorOf(new Error('x')), undefined)
  })
})
