import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { keepLeftStates, removeOld } from '../../../lib/service/kafka/left-states.js'
import { openTaskState } from '../../../lib/service/kafka/task-state.js'
import { inDirectory } from '../support.js'

const OWNER = { cluster: 'c', application: 'app' }
const MINUTE = 60_000

describe('state that is left on a disk', () => {
  it('is offered to the group unless it is in use, foreign or too old', () =>
    inDirectory(async (directory) => {
      const open = (task: string, owner = OWNER) =>
        openTaskState(join(directory, task), { ...owner, task }, Date.now())
      await open('a_0').close()
      await open('a_1').close()
      await open('a_2', { ...OWNER, application: 'other' }).close()
      const old = openTaskState(
        join(directory, 'a_3'),
        { ...OWNER, task: 'a_3' },
        Date.now() - 13 * 60 * MINUTE,
      )
      await old.close()
      const running = open('a_4')
      const left = keepLeftStates(directory, OWNER, (task) => task === 'a_4')
      assert.deepEqual(left.warm(), [{ task: 'a_0' }, { task: 'a_1' }])
      left.stop()
      await running.close()
    }))

  it('is removed ten minutes after its last use and after the start, and never while it is in use', () =>
    inDirectory(async (directory) => {
      const startedAt = Date.now()
      const inUse = new Set(['a_1'])
      for (const task of ['a_0', 'a_1']) {
        await openTaskState(join(directory, task), { ...OWNER, task }, startedAt - 60 * MINUTE).close()
      }
      const remove = (now: number): void =>
        removeOld(directory, OWNER, (task) => inUse.has(task), startedAt, now)
      remove(startedAt + 9 * MINUTE)
      assert.ok(existsSync(join(directory, 'a_0', 'state')), 'not yet')
      remove(startedAt + 11 * MINUTE)
      assert.ok(!existsSync(join(directory, 'a_0')), 'removed')
      assert.ok(existsSync(join(directory, 'a_1', 'state')), 'in use')
    }))

  it('is as old as its last sight of the end of the log, whatever opened and closed it since', () =>
    inDirectory(async (directory) => {
      const open = (now: number) => openTaskState(join(directory, 'a_0'), { ...OWNER, task: 'a_0' }, now)
      const now = Date.now()
      await open(now - 11 * 60 * MINUTE).close()
      const again = open(now)
      assert.equal(again.discarded, undefined)
      await again.close()
      const late = open(now + 2 * 60 * MINUTE)
      assert.match(late.discarded!, /not used for so long/)
      await late.close()
    }))
})
