import assert from 'node:assert/strict'
import { milliseconds, stream, string, topic, topology } from '../../lib/index.js'
import { TopologyTestDriver } from '../../test-driver/index.js'
import { counting, counts, words } from './topologies.js'

const copies = topic('copies', { key: string(), value: string() })
const copying = topology('copying', [stream(words).to(copies)])

const setup = (options = {}) => {
  const driver = new TopologyTestDriver(copying, { wallTime: 1_000, ...options })
  return { driver, input: driver.inputTopic(words), output: driver.outputTopic(copies) }
}

describe('an input topic', () => {
  it('takes a value, a key and a value, and a time', () => {
    const { input, output } = setup()
    input.pipeInput('no key')
    input.pipeInput('k', 'v')
    input.pipeInput('k', 'then', 77)
    input.pipeTombstone('k', 78)
    assert.deepEqual(
      output.readRecordsToList().map(({ key, value, timestamp }) => [key, value, timestamp]),
      [
        [undefined, 'no key', 1_000],
        ['k', 'v', 1_000],
        ['k', 'then', 77],
        ['k', undefined, 78],
      ],
    )
  })

  it('takes a record with headers and partition, and says where it is', () => {
    const { input, output } = setup({ partitions: 3 })
    const headers = [{ key: 'trace', value: Buffer.from('1') }]
    assert.deepEqual(input.pipeRecord({ key: 'k', value: 'v', timestamp: 5, headers, partition: 2 }), {
      topic: 'words',
      partition: 2,
      offset: 0,
    })
    const { headers: written, timestamp } = output.readRecord()
    assert.deepEqual([written, timestamp], [headers, 5])
    assert.throws(() => input.pipeRecord({ key: 'k', value: 'v', partition: 3 }), { code: 'E_PARTITION' })
  })

  it('moves its own time on by itself, and when told to; a time that is said does not move it', () => {
    const { driver, output } = setup()
    const input = driver.inputTopic(words, { startTime: 100, autoAdvance: milliseconds(10) })
    input.pipeInput('a')
    input.pipeInput('k', 'b', 7)
    input.pipeInput('c')
    input.advanceTime(milliseconds(1_000))
    input.pipeInput('d')
    assert.deepEqual(
      output.readRecordsToList().map((r) => [r.value, r.timestamp]),
      [
        ['a', 100],
        ['b', 7],
        ['c', 110],
        ['d', 1_120],
      ],
    )
  })

  it('takes lists, with times of their own where given', () => {
    const { driver, output } = setup({ autoAdvance: milliseconds(2) })
    const input = driver.inputTopic(words, { startTime: 0 })
    input.pipeValueList(['a', 'b'])
    input.pipeKeyValueList(
      [
        ['x', 'c'],
        ['y', undefined],
      ],
      { startTime: 50, autoAdvance: milliseconds(5) },
    )
    input.pipeRecordList([
      { key: 'z', value: 'd' },
      { value: 'e', timestamp: 9 },
    ])
    assert.deepEqual(
      output.readRecordsToList().map((r) => [r.key, r.value, r.timestamp]),
      [
        [undefined, 'a', 0],
        [undefined, 'b', 2],
        ['x', 'c', 50],
        ['y', undefined, 55],
        ['z', 'd', 4],
        [undefined, 'e', 9],
      ],
    )
  })

  it('takes bytes that no serde wrote', () => {
    const poison = new TopologyTestDriver(counting, { onError: { deserialization: 'skip' } })
    const input = poison.inputTopic(counts)
    assert.deepEqual(input.pipeBytes({ key: Buffer.from('k'), value: Buffer.from('?') }).offset, 0)
    assert.throws(() => poison.outputTopic(counts).readValue(), { code: 'E_DESERIALIZATION' })
  })

  it('refuses a value that its serde cannot write, before anything is written', () => {
    const { driver, input } = setup()
    assert.throws(() => input.pipeInput('k', 5 as never), { code: 'E_SERIALIZATION' })
    assert.equal(driver.outputTopic(words).isEmpty(), true)
  })
})

describe('an output topic', () => {
  const filled = () => {
    const { driver, input, output } = setup()
    input.pipeKeyValueList([
      ['a', '1'],
      ['b', '2'],
      ['a', undefined],
    ])
    return { driver, output }
  }

  it('is read one by one, in the order of writing', () => {
    const { output } = filled()
    assert.equal(output.queueSize(), 3)
    assert.equal(output.readValue(), '1')
    assert.deepEqual(output.readKeyValue(), { key: 'b', value: '2' })
    assert.deepEqual(output.readRecord(), {
      key: 'a',
      value: undefined,
      timestamp: 1_000,
      headers: [],
      partition: 0,
      offset: 2,
    })
    assert.equal(output.isEmpty(), true)
    assert.throws(() => output.readValue(), { code: 'E_OUTPUT_EMPTY' })
  })

  it('is read to a list or to a map of last values, once', () => {
    assert.deepEqual(filled().output.readValuesToList(), ['1', '2', undefined])
    assert.deepEqual(
      filled().output.readKeyValuesToMap(),
      new Map([
        ['a', undefined],
        ['b', '2'],
      ]),
    )
    const { output } = filled()
    assert.equal(output.readKeyValuesToList().length, 3)
    assert.deepEqual(output.readRecordsToList(), [])
  })

  it('has one position for all its readers', () => {
    const { driver, output } = filled()
    output.readValue()
    assert.equal(driver.outputTopic(copies).readValue(), '2')
  })

  it('may be asked for before anything was written to it', () => {
    const { output } = setup()
    assert.equal(output.isEmpty(), true)
    assert.throws(() => output.readKeyValue(), { code: 'E_OUTPUT_EMPTY' })
  })
})

describe('the table of last revisions', () => {
  it('is of last values where a topic has no revisions, without deleted keys', () => {
    const { driver, input } = setup()
    input.pipeKeyValueList([
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['b', undefined],
    ])
    assert.deepEqual(driver.lastRevisions(copies), new Map([['a', '3']]))
    assert.deepEqual(
      driver.revisions(copies, 'b').map(({ value, revision, offset }) => ({ value, revision, offset })),
      [
        { value: '2', revision: undefined, offset: 1 },
        { value: undefined, revision: undefined, offset: 3 },
      ],
    )
  })
})
