import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RevlogError, stream, string, topic, topology } from '../../lib/index.js'
import { type TestDriverOptions, TopologyTestDriver } from '../../test-driver/index.js'
import { counting, countingLetters, counts, words } from './topologies.js'

const STORES = ['memory', 'lmdb'] as const

for (const store of STORES) {
  describe(`crashes, with state in ${store}`, () => {
    const setup = (options: TestDriverOptions = {}) => {
      const driver = new TopologyTestDriver(counting, { store, ...options })
      return { driver, input: driver.inputTopic(words), output: driver.outputTopic(counts) }
    }

    it('restart goes on from the last commit', () => {
      const { driver, input, output } = setup()
      input.pipeInput('a', '', 9)
      driver.restart()
      assert.deepEqual(driver.tasks()[0]?.positions, new Map([['words', 1]]))
      assert.equal(driver.tasks()[0]?.streamTime, 9)
      input.pipeInput('a', '')
      assert.deepEqual(output.readValuesToList(), [1, 2])
      driver.close()
    })

    for (const compacted of [false, true]) {
      it(`wipe brings the state back from the ${compacted ? 'compacted ' : ''}changelog, byte for byte`, () => {
        const { driver, input, output } = setup({ partitions: 2 })
        input.pipeKeyValueList([...'abcabcab'].map((key) => [key, ''] as const))
        const before = driver.dump()
        driver.wipe({ compacted })
        assert.equal(driver.dump(), before)
        input.pipeInput('a', '')
        assert.equal(output.readValuesToList().at(-1), 4)
        driver.close()
      })
    }

    it('a crash before the commit takes back everything, and the record is processed again', () => {
      const { driver, input, output } = setup()
      input.pipeInput('a', '')
      driver.crashAfter(1)
      input.pipeInput('a', '')
      assert.deepEqual(output.readValuesToList(), [1, 2])
      assert.deepEqual(
        driver.changelog('words-by-key').map((entry) => entry.key),
        ['a', 'a'],
      )
      driver.close()
    })

    it('a crash after outputs were sent sends them again', () => {
      const { driver, input, output } = setup()
      driver.crashAfter(2, 'resent')
      input.pipeKeyValueList([
        ['a', ''],
        ['a', ''],
        ['a', ''],
      ])
      assert.deepEqual(output.readValuesToList(), [1, 2, 2, 3])
      driver.close()
    })

    it('what is not committed is in no topic, and a crash takes it back', () => {
      const { driver, input, output } = setup({ commitEvery: 3 })
      input.pipeInput('a', '')
      input.pipeInput('a', '')
      assert.equal(output.isEmpty(), true)
      driver.restart()
      assert.equal(output.isEmpty(), true)
      input.pipeInput('a', '')
      assert.deepEqual(output.readValuesToList(), [1, 2, 3])
      input.pipeInput('a', '')
      driver.commit()
      assert.deepEqual(output.readValuesToList(), [4])
      driver.close()
    })

    it('records that were dropped are counted once, however often the task crashes', () => {
      const { driver, input } = setup({ onError: { deserialization: 'skip' } })
      const poison = (): unknown => input.pipeBytes({ key: Buffer.from('k') })
      poison()
      driver.crashAfter(1)
      poison()
      driver.restart()
      poison()
      assert.deepEqual(driver.dropped(), new Map([['null-value', 3]]))
      driver.close()
    })
  })
}

describe('state in lmdb', () => {
  it('gives the same bytes as state in memory', () => {
    const [memory, lmdb] = STORES.map((store) => {
      using driver = new TopologyTestDriver(countingLetters, { store, partitions: 2 })
      const input = driver.inputTopic(words)
      for (let i = 0; i < 50; i++) input.pipeInput(`k${i % 7}`, `${'aßz0'.charAt(i % 4)}${i}`, i)
      driver.restart()
      return driver.dump()
    })
    assert.equal(lmdb, memory)
    assert.match(memory ?? '', /store letters\n {4}x/)
  })

  it('is in a temporary directory that is gone after close', async () => {
    // One that no test beside this one uses.
    const env: { TMPDIR?: string } = process.env
    const { TMPDIR } = env
    const folder = mkdtempSync(join(tmpdir(), 'revlog-crashes-'))
    env.TMPDIR = folder
    try {
      const driver = new TopologyTestDriver(counting, { store: 'lmdb' })
      assert.equal(readdirSync(folder).length, 1)
      driver.inputTopic(words).pipeInput('a', '')
      driver.close()
      for (let i = 0; i < 100 && readdirSync(folder).length > 0; i++) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      assert.deepEqual(readdirSync(folder), [])
    } finally {
      if (TMPDIR === undefined) delete env.TMPDIR
      else env.TMPDIR = TMPDIR
      rmSync(folder, { recursive: true })
    }
  })
})

describe('a record that stops the application', () => {
  const out = topic('out', { key: string(), value: string() })
  const fussy = topology('fussy', [
    stream(words)
      .mapValues(
        (word) => {
          if (word === 'bad') throw new Error('no bad words')
          return word
        },
        { name: 'fuss', value: string() },
      )
      .to(out),
  ])

  it('throws where it was piped in, with coordinates, and stays where it is', () => {
    using driver = new TopologyTestDriver(fussy)
    const input = driver.inputTopic(words)
    input.pipeInput('good')
    const stopped = (thrown: unknown): boolean => {
      assert.ok(thrown instanceof RevlogError)
      assert.deepEqual(thrown.at, { task: '0_0', operator: 'fuss', topic: 'words', partition: 0, offset: 1 })
      return true
    }
    assert.throws(() => input.pipeInput('bad'), stopped)
    assert.throws(() => input.pipeInput('good again'), stopped)
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['good'])
    assert.deepEqual(driver.tasks()[0]?.positions, new Map([['words', 1]]))
  })

  it('goes to the dead-letter topic when that is what onError says', () => {
    using driver = new TopologyTestDriver(fussy, {
      onError: { processing: 'dead-letter', deadLetterTopic: 'dead' },
    })
    driver.inputTopic(words).pipeValueList(['good', 'bad', 'good again'])
    assert.deepEqual(driver.outputTopic(out).readValuesToList(), ['good', 'good again'])
    const dead = driver.outputTopic(topic('dead', { key: string(), value: string() }))
    assert.deepEqual(dead.readValuesToList(), ['bad'])
    assert.deepEqual(driver.dropped(), new Map([['processing-error', 1]]))
    assert.deepEqual(driver.producedTopicNames(), ['dead', 'out'])
  })
})
