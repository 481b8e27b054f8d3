import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { sayEvents } from '../../lib/cli/events.js'
import { createScreen } from '../../lib/cli/screen.js'

describe('what a service tells, as lines', () => {
  it('a task that is tried again and again for the same reason is one line in a minute', async () => {
    const err = new PassThrough()
    const stream = err as unknown as NodeJS.WriteStream
    const say = sayEvents(createScreen(new PassThrough() as unknown as NodeJS.WriteStream, stream))
    for (let i = 0; i < 1_000; i++) {
      for (const task of ['total_0', 'total_1']) {
        say({ kind: 'retrying', task, error: new Error('no broker answers') })
      }
    }
    say({ kind: 'retrying', task: 'total_0', error: new Error('the disk is full') })
    assert.deepEqual(String(err.read()).trimEnd().split('\n'), [
      'task total_0 is taken over anew: no broker answers',
      'task total_1 is taken over anew: no broker answers',
      'task total_0 is taken over anew: the disk is full',
    ])
  })
})
