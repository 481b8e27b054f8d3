import assert from 'node:assert/strict'
import kafkajs from 'kafkajs'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../lib/brokers/kafka/group/consumer-protocol.js'
import {
  type AssignmentData,
  decodeAssignmentData,
  decodeMember,
  encodeAssignmentData,
  encodeMember,
  type MemberData,
} from '../../../../lib/brokers/kafka/group/user-data.js'

const member: MemberData = {
  application: 'consultants',
  host: 'høst/7',
  threads: 3,
  standbyReplicas: 1,
  asked: 2,
  parts: [
    {
      name: 'mood-at-recommendation',
      fingerprint: 'abc',
      partitions: 6,
      stateful: true,
      inputs: [
        { topic: 'moods', partitions: 6 },
        { topic: 'recommendations', partitions: 6 },
      ],
    },
    { name: 'empty', fingerprint: '', partitions: 0, stateful: false, inputs: [] },
  ],
  previous: { generation: 9, active: ['mood-at-recommendation_0'], standby: ['mood-at-recommendation_5'] },
  warm: [{ task: 'mood-at-recommendation_1', lag: 0 }, { task: 'mood-at-recommendation_2' }],
}
const assignment: AssignmentData = {
  verdict: 'accepted',
  application: 'consultants',
  fingerprints: [{ part: 'mood-at-recommendation', fingerprint: 'abc' }],
  active: ['mood-at-recommendation_0'],
  standby: [],
  waiting: ['totals'],
}

describe('what members of a group tell each other', () => {
  it('comes back as it was', () => {
    assert.deepEqual(decodeMember(encodeMember(member)), member)
    assert.deepEqual(decodeAssignmentData(encodeAssignmentData(assignment)), assignment)
  })

  it('may have more at its end, of a later version', () => {
    const later = (bytes: Buffer) => Buffer.concat([Buffer.from([2]), bytes.subarray(1), Buffer.from('more')])
    assert.deepEqual(decodeMember(later(encodeMember(member))), member)
    assert.deepEqual(decodeAssignmentData(later(encodeAssignmentData(assignment))), assignment)
  })

  it('is refused with a code wherever it breaks off', () => {
    for (const [bytes, decode] of [
      [encodeMember(member), decodeMember],
      [encodeAssignmentData(assignment), decodeAssignmentData],
    ] as const) {
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => decode(bytes.subarray(0, length)), { code: 'E_GROUP_BYTES' }, `${length} bytes`)
      }
    }
  })

  it('is read or refused, quickly, whatever bytes it has', () => {
    const before = process.memoryUsage().heapUsed
    for (let seed = 1; seed <= 20_000; seed++) {
      const bytes = damaged(seed % 2 === 0 ? encodeMember(member) : encodeAssignmentData(assignment), seed)
      for (const decode of [decodeMember, decodeAssignmentData, decodeSubscription, decodeAssignment]) {
        try {
          decode(bytes)
        } catch (error) {
          assert.equal((error as { readonly code?: string }).code, 'E_GROUP_BYTES', `seed ${seed}: ${error}`)
        }
      }
    }
    assert.ok(process.memoryUsage().heapUsed - before < 200 << 20)
  })

  it('does not believe numbers that no group has', () => {
    for (const impossible of [
      { ...member, threads: 0 },
      { ...member, standbyReplicas: 101 },
      { ...member, parts: [{ ...member.parts[0]!, partitions: 2 ** 30 }] },
    ]) {
      assert.throws(() => decodeMember(encodeMember(impossible)), { code: 'E_GROUP_BYTES' })
    }
  })
})

describe('the consumer protocol', () => {
  const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol
  const userData = Buffer.from('ours')

  it('is what kafkajs reads and writes', () => {
    const subscription = encodeSubscription(['a', 'b'], userData)
    assert.deepEqual(MemberMetadata.decode(subscription), { version: 0, topics: ['a', 'b'], userData })
    assert.deepEqual(decodeSubscription(MemberMetadata.encode({ version: 1, topics: ['a'], userData })), {
      topics: ['a'],
      userData,
    })
    const partitions = [{ topic: 'a', partitions: [0, 3] }]
    const expected = { version: 0, assignment: { a: [0, 3] }, userData }
    assert.deepEqual(MemberAssignment.decode(encodeAssignment(partitions, userData)), expected)
    assert.deepEqual(
      decodeAssignment(MemberAssignment.encode({ version: 1, assignment: { a: [0, 3] }, userData })),
      { partitions, userData },
    )
  })

  it('gives nothing to a member that the leader did not know', () => {
    assert.deepEqual(decodeAssignment(Buffer.alloc(0)), { partitions: [], userData: Buffer.alloc(0) })
  })
})

/** Some bytes changed, some cut off; lengths get extreme values. */
function damaged(bytes: Buffer, seed: number): Buffer {
  const copy = Buffer.from(bytes)
  let state = seed
  const chance = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  for (let i = 0; i <= chance(4); i++) {
    const at = chance(copy.length)
    if (chance(3) === 0 && at + 4 <= copy.length)
      copy.writeInt32BE([-1, 2 ** 31 - 1, -(2 ** 31)][chance(3)]!, at)
    else copy[at] = chance(256)
  }
  return copy.subarray(0, chance(5) === 0 ? chance(copy.length) : copy.length)
}
