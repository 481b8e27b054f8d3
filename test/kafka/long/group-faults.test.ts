import assert from 'node:assert/strict'
import { openKafkaClient } from '../../../lib/brokers/kafka/client.js'
import type { Member, Part, TaskAssignment } from '../../../lib/brokers/kafka/group/member.js'
import { joinTaskGroup } from '../../../lib/brokers/kafka/group/task-group.js'
import type { KafkaClient } from '../../../lib/brokers/kafka/kafka-client.js'
import type { KafkaOptions } from '../../../lib/brokers/kafka/options.js'
import type { RevlogError } from '../../../lib/core/errors.js'
import { createRawTopic } from '../admin.js'
import { until } from '../group/members.js'
import { type KafkaProxy, openProxy } from '../proxy.js'
import { describeOwnKafka } from '../suite.js'

const JOIN = 11
const HEARTBEAT = 12
const SYNC = 14
const COMMIT = 8
const OFFSETS = 9

describeOwnKafka('a member of a task group under faults', { secure: true }, (kafka) => {
  let proxy: KafkaProxy
  let groupId: string
  let topic: string
  let members: Recorded[]

  beforeEach(async () => {
    proxy = await openProxy(kafka().proxied[0]!)
    members = []
    groupId = kafka().name('group')
    topic = kafka().name('moods')
    await createRawTopic(kafka().address, topic, {}, 4)
  })
  afterEach(async () => {
    await Promise.all(members.map(({ member }) => member.leave(500)))
    await Promise.all(members.map(({ client }) => client.close()))
    await proxy.close()
  })
  const start = async (config: KafkaOptions, sessionTimeoutMs = 6_000): Promise<Recorded> => {
    const recorded = await record(config, groupId, topic, sessionTimeoutMs)
    members.push(recorded)
    return recorded
  }
  const throughProxy = (): KafkaOptions => ({ brokers: [proxy.address], requestTimeoutMs: 2_000 })

  for (const [name, api] of [
    ['JoinGroup', JOIN],
    ['SyncGroup', SYNC],
  ] as const) {
    it(`is back within some sessions when the answer to its ${name} never comes`, async () => {
      const first = await start(throughProxy(), 2_000)
      await until('it is assigned', () => first.member.generation() !== undefined)
      const swallowed = proxy.inject(api, 'swallow response')
      const second = await start({ brokers: [kafka().address] }, 2_000)
      await swallowed
      const began = Date.now()
      await until('both are in one generation', () => {
        const generation = first.member.generation()
        return generation !== undefined && generation === second.member.generation()
      })
      assert.ok(Date.now() - began < 10_000, `it took ${Date.now() - began} ms`)
      assert.deepEqual(first.events.errors, [])
    })
  }

  for (const fault of ['lose request', 'lose response', 'swallow response'] as const) {
    it(`joins although a broker does this to its requests: ${fault}`, async () => {
      const injected = [JOIN, SYNC, HEARTBEAT].map((api) => proxy.inject(api, fault))
      const { member, events } = await start(throughProxy())
      await until('it is assigned', () => member.generation() !== undefined)
      await Promise.all(injected)
      // The fault of the heartbeat comes after the first assignment.
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const generation = await until('it is assigned', () => member.generation())
      assert.deepEqual(events.errors, [])
      await member.commit([{ topic, partition: 1, offset: 3 }], generation)
    })

    it(`commits and reads offsets although a broker does this: ${fault}`, async () => {
      const { member, events } = await start(throughProxy())
      const generation = await until('it is assigned', () => member.generation())
      void proxy.inject(COMMIT, fault)
      await member.commit([{ topic, partition: 2, offset: 9, metadata: 'm' }], generation)
      void proxy.inject(OFFSETS, fault)
      const committed = await member.committed([{ topic, partitions: [0, 2] }])
      assert.deepEqual(committed(topic, 2), { offset: 9, metadata: 'm' })
      assert.equal(committed(topic, 0), undefined)
      assert.deepEqual(events.lost, [])
    })
  }

  it('keeps its tasks when connections are cut for less than a session', async () => {
    const { member, events } = await start(throughProxy())
    const generation = await until('it is assigned', () => member.generation())
    await proxy.down()
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    await proxy.up()
    await member.commit([{ topic, partition: 0, offset: 1 }], generation)
    assert.equal(await member.stillMember(generation), true)
    assert.deepEqual(events.lost, [])
  })

  it('drops its tasks when it hears nothing for a session, and comes back when it can', async () => {
    const cut = await start(throughProxy())
    const generation = await until('it is assigned', () => cut.member.generation())
    const other = await start({ brokers: [kafka().address] })
    await until('they share', () => other.active().length === 2 && cut.active().length === 2)
    const shared = cut.member.generation()!
    assert.ok(shared > generation)
    proxy.freeze()
    await until('it has lost its tasks', () => cut.events.lost.length === 1)
    assert.equal(cut.member.generation(), undefined)
    await until('the other has them', () => other.active().length === 4)
    await assert.rejects(cut.member.commit([{ topic, partition: 0, offset: 1 }], shared), {
      code: 'E_TASK_MIGRATED',
    })
    assert.equal(await cut.member.stillMember(shared), false)
    await until('it says so', () => cut.events.warnings.some((w) => w.code === 'E_GROUP_UNREACHABLE'))
    proxy.thaw()
    await until('they share again', () => other.active().length === 2 && cut.active().length === 2)
    assert.deepEqual(cut.events.errors, [])
  })

  it('comes back when the broker was killed and started again, and its offsets with it', async () => {
    const { member, events } = await start({ brokers: [kafka().address], requestTimeoutMs: 2_000 })
    const generation = await until('it is assigned', () => member.generation())
    await member.commit([{ topic, partition: 3, offset: 42 }], generation)
    await kafka().kill9()
    await until('it has lost its tasks', () => events.lost.length === 1)
    await kafka().start()
    await until('it is assigned again', () => member.generation() !== undefined)
    const committed = await member.committed([{ topic, partitions: [3] }])
    assert.equal(committed(topic, 3)?.offset, 42)
    assert.deepEqual(events.errors, [])
  })

  it('stops when it may not use the group, and does not begin when its password is wrong', async function () {
    const { secured } = kafka()
    if (secured === undefined) return this.skip()
    const as = (username: string, password: string): KafkaOptions => ({
      brokers: [secured.saslAddress],
      ssl: { ca: [secured.ca] },
      sasl: { mechanism: 'scram-sha-256', username, password },
    })
    const nobody = await start(as('nobody', secured.password))
    assert.equal(await until('it stops', () => nobody.events.errors[0]?.code), 'E_AUTHORIZATION')
    await assert.rejects(start(as('admin', 'wrong')), { code: 'E_AUTH' })
  })
})

interface Recorded {
  readonly client: KafkaClient
  readonly member: Member
  readonly active: () => readonly string[]
  readonly events: {
    readonly lost: string[]
    readonly errors: RevlogError[]
    readonly warnings: RevlogError[]
  }
}

async function record(
  config: KafkaOptions,
  groupId: string,
  topic: string,
  sessionTimeoutMs: number,
): Promise<Recorded> {
  const events: Recorded['events'] = { lost: [], errors: [], warnings: [] }
  let assignment: TaskAssignment | undefined
  const part: Part = {
    name: 'advice',
    fingerprint: '1',
    partitions: 4,
    inputs: [{ topic, partitions: 4 }],
    stateful: true,
  }
  const client = await openKafkaClient(config)
  const member = joinTaskGroup({
    coordinator: client.coordinator(groupId),
    application: 'consultants',
    parts: () => [part],
    sessionTimeoutMs,
    rebalanceTimeoutMs: 8_000,
    onAssigned(next) {
      assignment = next
    },
    onRevoke: async () => undefined,
    onLost(reason) {
      assignment = undefined
      events.lost.push(reason)
    },
    onError: (error) => void events.errors.push(error),
    onWarning: (warning) => void events.warnings.push(warning),
  })
  return { client, member, events, active: () => assignment?.active ?? [] }
}
