import assert from 'node:assert/strict'
import { retry } from '../../../lib/brokers/kafka/retry.js'
import { settleWithin } from '../../../lib/brokers/kafka/settle.js'
import { unreachable } from '../../../lib/brokers/kafka/transport-error.js'
import { withCode } from '../../service/support.js'

describe('a call to Kafka that was given up', () => {
  it('attempts nothing when it was given up before', async () => {
    let attempts = 0
    const attempt = async (): Promise<void> => {
      attempts++
    }
    await assert.rejects(
      retry({ timeoutMs: 1_000, signal: AbortSignal.abort() }, attempt),
      withCode('E_ABORTED'),
    )
    assert.equal(attempts, 0)
  })

  it('leaves no rejection that nobody handles, which would end the process', async () => {
    let unhandled = 0
    const count = (): void => {
      unhandled++
    }
    // Mocha's own would fail the test before we can.
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', count)
    try {
      const late = Promise.reject(new Error('nobody waits for this'))
      const given = settleWithin(late, 1_000, AbortSignal.abort(), () => assert.fail())
      await assert.rejects(given, withCode('E_ABORTED'))
      await new Promise((resolve) => setTimeout(resolve, 5))
      assert.equal(unhandled, 0)
    } finally {
      process.off('unhandledRejection', count)
      for (const other of others) process.on('unhandledRejection', other)
    }
  })
})

describe('a call to Kafka that is repeated', () => {
  it('says after a while what it waits for, once in a minute', async () => {
    const told: string[] = []
    let attempts = 0
    const answer = await retry(
      {
        timeoutMs: Infinity,
        signal: undefined,
        lateMs: 30,
        onLate: ({ code }, ms) => told.push(`${code} after ${ms >= 30 ? 'a while' : ms}`),
      },
      async () => {
        if (++attempts < 6) throw unreachable('broker:9092', 'gone')
        return attempts
      },
    )
    assert.equal(answer, 6)
    assert.deepEqual(told, ['E_BROKER_UNREACHABLE after a while'])
  })
})
