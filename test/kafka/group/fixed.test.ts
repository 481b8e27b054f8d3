import assert from 'node:assert/strict'
import { openKafkaClient } from '../../../lib/brokers/kafka/client.js'
import { joinFixed } from '../../../lib/brokers/kafka/group/fixed.js'
import type { Member, Part, TaskAssignment } from '../../../lib/brokers/kafka/group/member.js'
import { joinTaskGroup } from '../../../lib/brokers/kafka/group/task-group.js'
import type { KafkaClient } from '../../../lib/brokers/kafka/kafka-client.js'
import type { RevlogError } from '../../../lib/core/errors.js'
import { createRawTopic } from '../admin.js'
import { describeKafka } from '../suite.js'
import { until } from './members.js'

describeKafka('members with a fixed place', (kafka) => {
  let client: KafkaClient
  let groupId: string
  let topic: string
  let parts: readonly Part[]
  const members: Member[] = []

  beforeEach(async () => {
    groupId = kafka().name('group')
    topic = kafka().name('moods')
    parts = [
      { name: 'advice', fingerprint: '1', partitions: 5, inputs: [{ topic, partitions: 5 }], stateful: true },
    ]
    client = await openKafkaClient({ brokers: [kafka().address] })
    await createRawTopic(kafka().address, topic, {}, 5)
  })
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.leave()))
    await client.close()
  })
  const options = (
    assigned: (a: TaskAssignment, generation: number) => void,
    failed: RevlogError[] = [],
  ) => ({
    coordinator: client.coordinator(groupId),
    parts: () => parts,
    onAssigned: assigned,
    onRevoke: async () => undefined,
    onLost: () => undefined,
    onError: (error: RevlogError) => void failed.push(error),
  })
  const place = async (index: number, failed: RevlogError[] = []) => {
    let assignment: TaskAssignment | undefined
    const member = joinFixed({
      ...options((a) => {
        assignment = a
      }, failed),
      standbyReplicas: 1,
      index,
      count: 2,
    })
    members.push(member)
    await until('it is assigned', () => assignment)
    return { member, assignment: assignment! }
  }

  it('have every second partition, and standbys of the others', async () => {
    assert.deepEqual(
      (await Promise.all([place(0), place(1)])).map(({ assignment }) => assignment),
      [
        { active: ['advice_0', 'advice_2', 'advice_4'], standby: ['advice_1', 'advice_3'], waiting: [] },
        { active: ['advice_1', 'advice_3'], standby: ['advice_0', 'advice_2', 'advice_4'], waiting: [] },
      ],
    )
  })

  it('commit, and find what they have committed', async () => {
    const { member } = await place(1)
    await member.commit([{ topic, partition: 3, offset: 12 }], member.generation()!)
    const committed = await (await place(1)).member.committed([{ topic, partitions: [1, 3] }])
    assert.deepEqual([committed(topic, 1), committed(topic, 3)?.offset], [undefined, 12])
  })

  it('give up where members have joined the group', async () => {
    const failed: RevlogError[] = []
    const { member } = await place(0, failed)
    const joined = joinTaskGroup({ ...options(() => undefined), application: 'consultants' })
    members.push(joined)
    await until('the other is assigned', () => joined.generation())
    await assert.rejects(member.commit([{ topic, partition: 0, offset: 1 }], member.generation()!), {
      code: 'E_TASK_MIGRATED',
    })
    assert.equal(failed[0]?.code, 'E_GROUP_FOREIGN_MEMBER')
    assert.equal(member.generation(), undefined)
  })

  it('are numbered from 0', () => {
    const wrong = () => joinFixed({ ...options(() => undefined), index: 2, count: 2 })
    assert.throws(wrong, { code: 'E_PLACE' })
  })
})
