import assert from 'node:assert/strict'
import { MessageChannel } from 'node:worker_threads'
import { RevlogError } from '../../../../lib/core/errors.js'
import { createMetrics } from '../../../../lib/core/metrics.js'
import { connect, type Port } from '../../../../lib/service/kafka/threads/calls.js'
import { addReports, encodeReport } from '../../../../lib/service/kafka/threads/portable-report.js'
import { withCode } from '../../support.js'

interface There extends Record<string, (...args: never[]) => unknown> {
  readonly add: (a: number, b: number) => number
  readonly fail: () => void
  readonly never: () => Promise<void>
}

describe('calls between threads', () => {
  it('are answered, with results and with errors as they were thrown, until the other side ends', async () => {
    const { port1, port2 } = new MessageChannel()
    const there: There = {
      add: (a, b) => a + b,
      fail() {
        const cause = Object.assign(new TypeError('no such thing'), { code: 'X' })
        throw new RevlogError('E_STATE_IO', 'it failed', { at: { task: 'a_1' }, remedy: 'do', cause })
      },
      never: () => new Promise(() => {}),
    }
    connect(port2 as Port, there)
    const { call, end } = connect<There>(port1 as Port, {})
    assert.equal(await call('add', 1, 2), 3)
    await assert.rejects(call('fail'), (error: RevlogError) => {
      assert.ok(withCode('E_STATE_IO', 'it failed', 'a_1', 'do')(error))
      assert.deepEqual(error.at, { task: 'a_1' })
      assert.equal((error.cause as Error).name, 'TypeError')
      assert.equal((error.cause as Error).message, 'no such thing')
      return true
    })
    const waiting = call('never')
    end(new Error('gone'))
    await assert.rejects(waiting, /gone/)
    await assert.rejects(call('add', 1, 2), /gone/)
    port1.close()
  })

  it('carry metrics, which add up', () => {
    const metrics = createMetrics()
    const both = createMetrics()
    for (const value of [0, 0.5, 1, 3, 3, 17, 1_000, 123_456]) {
      metrics.histogram('ms').record(value)
      both.histogram('ms').record(value, 2)
    }
    metrics.counter('n').add(3)
    metrics.gauge('g').set(7)
    const report = { lag: 2, service: metrics.snapshot(), tasks: new Map(), standbys: new Map([['a_0', 1]]) }
    const sent = structuredClone(encodeReport(report))
    const sum = addReports([sent, sent])
    assert.equal(sum.lag, 4)
    assert.deepEqual(sum.service.counters, new Map([['n', 6]]))
    assert.deepEqual(sum.service.gauges, new Map([['g', 7]]))
    const [found, expected] = [sum.service.histograms.get('ms')!, both.histogram('ms')]
    assert.deepEqual(found.buckets(), expected.buckets())
    assert.deepEqual([found.count, found.max], [expected.count, expected.max])
    assert.deepEqual([0.1, 0.5, 0.99].map(found.quantile), [0.1, 0.5, 0.99].map(expected.quantile))
  })
})
