import assert from 'node:assert/strict'
import kafkajs, { type Admin } from 'kafkajs'
import type { Part } from '../../../lib/brokers/kafka/group/member.js'
import { createRawTopic } from '../admin.js'
import type { MemberSetup } from '../children/group-member.js'
import { describeKafka } from '../suite.js'
import { assertNoSharedTask, killMembers, settled, startMember, type TestMember, until } from './members.js'

describeKafka('members of a task group', (kafka) => {
  let admin: Admin
  let topic: string
  let parts: readonly Part[]
  let setup: MemberSetup
  const times: string[] = []

  before(async () => {
    const { Kafka, logLevel } = kafkajs
    admin = new Kafka({ brokers: [kafka().address], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
  })
  beforeEach(async () => {
    topic = kafka().name('moods')
    await createRawTopic(kafka().address, topic, {}, 6)
    parts = [part('advice', topic)]
    setup = {
      address: kafka().address,
      groupId: kafka().name('group'),
      application: 'consultants',
      parts,
      sessionTimeoutMs: 6_000,
    }
  })
  afterEach(killMembers)
  after(async () => {
    await admin?.disconnect()
    if (times.length > 0) console.log(`    rebalances, 6 tasks: ${times.join('; ')}`)
  })
  const measured = (what: string, since: number, members: readonly TestMember[]): void => {
    const last = Math.max(...members.map((m) => m.assignment()!.at))
    times.push(`${what} ${last - since} ms`)
  }
  const stalled = (what: string, members: readonly TestMember[]): void => {
    times.push(`${what} ${members.map((m) => m.assignment()!.rebalanceMs).join(' and ')} ms`)
  }
  const start = (change: Partial<MemberSetup> = {}): TestMember => startMember({ ...setup, ...change })

  it('share the tasks as they come and go, and move no more than is needed', async () => {
    const first = start()
    assert.equal(await settled([first], parts), 1)

    const second = start()
    await settled([first, second], parts)
    const before = [first, second].map((m) => m.assignment()!.active)
    assert.deepEqual(
      before.map((active) => active.length),
      [3, 3],
    )

    let since = Date.now()
    const third = start()
    await settled([first, second, third], parts)
    measured('a third joins, from the start of its process', since, [first, second, third])
    stalled('of which those before stand still', [first, second])
    for (const [i, member] of [first, second].entries()) {
      const { active } = member.assignment()!
      assert.equal(active.length, 2)
      for (const task of active) assert.ok(before[i]!.includes(task))
    }

    const kept = first.assignment()!.active
    since = Date.now()
    second.tell({ do: 'leave' })
    await settled([first, third], parts)
    measured('one leaves', since, [first, third])
    stalled('of which the others stand still', [first, third])
    for (const task of kept) assert.ok(first.assignment()!.active.includes(task))
    assertNoSharedTask([first, second, third])
    assert.deepEqual(
      first.told.filter((t) => t.event === 'lost'),
      [],
    )
  })

  it('show which partitions they have to the tools of Kafka', async () => {
    const member = start()
    await settled([member], parts)
    const { groups } = await admin.describeGroups([setup.groupId])
    const [described] = groups[0]!.members
    const assignment = kafkajs.AssignerProtocol.MemberAssignment.decode(described!.memberAssignment)
    assert.deepEqual(assignment!.assignment, { [topic]: [0, 1, 2, 3, 4, 5] })
  })

  it('take over from a member that was killed, first of all who has its standbys', async () => {
    const members = [1, 2, 3].map(() => start({ standbyReplicas: 1 }))
    await settled(members, parts)
    const [killed, ...rest] = members
    const lost = killed!.assignment()!.active
    const standbys = new Map(rest.map((m) => [m, m.assignment()!.standby]))
    const since = Date.now()
    killed!.kill('SIGKILL')
    await settled(rest, parts)
    measured('one is killed (session 6 s)', since, rest)
    for (const [member, standby] of standbys) {
      const got = member.assignment()!.active.filter((task) => lost.includes(task))
      for (const task of got) assert.ok(standby.includes(task), `${task} went to a member without its state`)
    }
    assertNoSharedTask(members)
  })

  it('lose everything when they wake up after their session, and then come back', async () => {
    const [frozen, other] = [start(), start()]
    await settled([frozen, other], parts)
    const old = frozen.assignment()!
    frozen.kill('SIGSTOP')
    await settled([other], parts)
    const seen = frozen.told.length
    // What it wants to commit when it wakes up is of a generation that has passed.
    const [partition] = old.active.map((task) => Number(task.split('_')[1]))
    frozen.tell({ do: 'commit', topic, partition: partition!, offset: 5, generation: old.generation })
    const since = Date.now()
    frozen.kill('SIGCONT')
    await frozen.next('lost', seen)
    assert.deepEqual(
      frozen.told.slice(seen).filter((t) => t.event === 'committed'),
      [],
    )
    const refused = await frozen.next('refused', seen)
    assert.equal('code' in refused && refused.code, 'E_TASK_MIGRATED')
    await settled([frozen, other], parts)
    measured('one wakes up', since, [frozen, other])
    const events = frozen.told.slice(seen).map((t) => t.event)
    assert.ok(events.indexOf('lost') < events.indexOf('assigned'), String(events))
    assertNoSharedTask([frozen, other])
    const offsets = await admin.fetchOffsets({ groupId: setup.groupId, topics: [topic] })
    for (const { offset } of offsets[0]!.partitions) assert.equal(offset, '-1')
  })

  it('may commit until they have given back, and not for a generation that has passed', async () => {
    const first = start({ revokeMs: 2_500 })
    const generation = await settled([first], parts)
    const second = start()
    const commit = (offset: number) => first.tell({ do: 'commit', topic, partition: 0, offset, generation })
    while ((await admin.describeGroups([setup.groupId])).groups[0]!.state !== 'PreparingRebalance') {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    // Wait until the first has noticed and is giving back.
    await new Promise((resolve) => setTimeout(resolve, 700))
    commit(7)
    await first.next('committed')
    assert.equal(
      first.told.some((t) => t.event === 'revoked'),
      false,
    )
    await settled([first, second], parts)
    commit(8)
    const refused = await first.next('refused')
    assert.equal('code' in refused && refused.code, 'E_TASK_MIGRATED')
    const offsets = await admin.fetchOffsets({ groupId: setup.groupId, topics: [topic] })
    assert.equal(offsets[0]!.partitions.find((p) => p.partition === 0)!.offset, '7')
  })

  it('say when the event loop is blocked for half a session, and heartbeats go on after it', async () => {
    const member = start()
    await settled([member], parts)
    member.tell({ do: 'block', ms: 3_600 })
    const warning = await member.next('warning')
    assert.equal('code' in warning && warning.code, 'E_HEARTBEAT_LATE')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.equal(
      member.told.some((t) => t.event === 'lost'),
      false,
    )
  })

  it('do not keep the others waiting for longer than they may', async () => {
    const slow = start({ revokeMs: 60_000, revokeTimeoutMs: 500 })
    await settled([slow], parts)
    const second = start()
    const warning = await slow.next('warning')
    assert.equal('code' in warning && warning.code, 'E_REVOKE_TIMEOUT')
    await settled([slow, second], parts)
  })

  it('say when the group does not come to rest', async () => {
    const member = start()
    let generation = await settled([member], parts)
    for (let i = 0; i < 10; i++) {
      member.tell({ do: 'rejoin' })
      const before = generation
      generation = await until('a new generation', () => settledAfter(member, before))
    }
    const warning = await member.next('warning')
    assert.equal('code' in warning && warning.code, 'E_REBALANCE_STORM')
  })

  it('ask for a new distribution', async () => {
    const [first, second] = [start(), start()]
    const generation = await settled([first, second], parts)
    second.tell({ do: 'rejoin' })
    assert.equal(await until('a new generation', () => settledAfter(first, generation)), generation + 1)
    await settled([first, second], parts)
  })

  it('never share a task in one generation, whatever happens to them, and have them all at the end', async function () {
    const { REVLOG_GROUP_CHAOS = '1' } = process.env
    for (let seed = 1; seed <= Number(REVLOG_GROUP_CHAOS); seed++) {
      this.timeout(120_000 * seed)
      setup = { ...setup, groupId: kafka().name('group'), standbyReplicas: seed % 2 }
      await chaos(seed)
      await killMembers()
    }
  })

  const chaos = async (seed: number): Promise<void> => {
    let state = seed
    const chance = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const ever: TestMember[] = []
    const alive = new Set<TestMember>()
    const frozen = new Set<TestMember>()
    const join = (): void => {
      const member = start({ revokeMs: chance(300) })
      ever.push(member)
      alive.add(member)
    }
    join()
    for (let step = 0; step < 25; step++) {
      const awake = [...alive].filter((m) => !frozen.has(m))
      const one = awake[chance(awake.length)]
      const what = alive.size < 2 || one === undefined ? 0 : chance(6)
      if (what === 0 && alive.size < 4) join()
      else if (what === 1 || what === 2) {
        alive.delete(one!)
        if (what === 1) one!.kill('SIGKILL')
        else one!.tell({ do: 'leave' })
      } else if (what === 3 && awake.length > 1) {
        frozen.add(one!)
        one!.kill('SIGSTOP')
      } else if (what === 4) one!.tell({ do: 'rejoin' })
      else for (const member of frozen) if (frozen.delete(member)) member.kill('SIGCONT')
      await new Promise((resolve) => setTimeout(resolve, chance(1_500)))
    }
    for (const member of frozen) member.kill('SIGCONT')
    try {
      await settled([...alive], parts)
      assertNoSharedTask(ever)
      for (const member of alive) assert.equal(member.told.filter((t) => t.event === 'error').length, 0)
    } catch (error) {
      if (error instanceof Error) error.message = `seed ${seed}: ${error.message}`
      throw error
    }
  }

  it('of another version wait until the last one of the version that runs has gone', async () => {
    const old = start()
    await settled([old], parts)
    const changed = [{ ...parts[0]!, fingerprint: 'another' }, part('totals', topic)]
    const updated = start({ parts: changed })
    await until('the new version has what only it knows', () => updated.assignment()?.active.length === 6)
    assert.deepEqual(updated.assignment()!.waiting, ['advice'])
    for (const task of updated.assignment()!.active) assert.match(task, /^totals_/)
    await settled([old], parts).catch(() => undefined)
    old.tell({ do: 'leave' })
    await settled([updated], changed)
    assert.deepEqual(updated.assignment()!.waiting, [])
  })

  it('of another application are refused', async () => {
    const right = start()
    await settled([right], parts)
    const wrong = start({ application: 'somebody-else' })
    const error = await wrong.next('error')
    assert.equal('code' in error && error.code, 'E_GROUP_FOREIGN_MEMBER')
    await settled([right], parts)
  })

  it('are refused by a group of another kind', async () => {
    const { Kafka, logLevel } = kafkajs
    const consumer = new Kafka({ brokers: [kafka().address], logLevel: logLevel.NOTHING }).consumer({
      groupId: setup.groupId,
    })
    await consumer.connect()
    await consumer.subscribe({ topic })
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
    await consumer.run({ eachMessage: async () => undefined })
    await joined
    try {
      const error = await start().next('error')
      assert.equal('code' in error && error.code, 'E_GROUP_FOREIGN_MEMBER')
    } finally {
      await consumer.disconnect()
    }
  })

  it('with a name of their own come back within the session without a rebalance', async () => {
    const [first, second] = ['a', 'b'].map((instanceId) => start({ instanceId }))
    const generation = await settled([first!, second!], parts)
    const { active } = second!.assignment()!
    second!.kill('SIGKILL')
    const again = start({ instanceId: 'b' })
    const assigned = await again.next('assigned')
    assert.deepEqual('active' in assigned && assigned.active, active)
    assert.equal('generation' in assigned && assigned.generation, generation)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.equal(first!.assignment()!.generation, generation)
    assert.equal(again.assignment()!.generation, generation)

    // Another process takes the name, while the one that had it is stopped in the middle of a commit.
    again.kill('SIGSTOP')
    const thief = start({ instanceId: 'b' })
    await thief.next('assigned')
    again.tell({ do: 'commit', topic, partition: 0, offset: 1, generation })
    again.kill('SIGCONT')
    const error = await again.next('error')
    assert.equal('code' in error && error.code, 'E_GROUP_FENCED')
    assert.ok(again.told.some((t) => t.event === 'lost'))
    const refused = await again.next('refused')
    assert.equal('code' in refused && refused.code, 'E_TASK_MIGRATED')
    await settled([first!, thief], parts)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.equal(
      thief.told.some((t) => t.event === 'error' || t.event === 'lost'),
      false,
    )
  })
})

const settledAfter = (member: TestMember, generation: number): number | undefined => {
  const now = member.assignment()?.generation
  return now !== undefined && now > generation ? now : undefined
}

const part = (name: string, topic: string): Part => ({
  name,
  fingerprint: `${name}-1`,
  partitions: 6,
  inputs: [{ topic, partitions: 6 }],
  stateful: true,
})
