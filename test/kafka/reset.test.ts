import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { planReset, reset } from '../../lib/service/kafka/reset.js'
import { loadTopology } from '../../lib/service/topology-file.js'
import { BIN, type Ended, type Folder } from '../cli/revlog.js'
import { makeShopTopics, rows, shopFolder, TOTALS } from './shop.js'
import { describeKafka } from './suite.js'

describeKafka('revlog reset', (kafka) => {
  let folder: Folder
  let name: string
  const brokers = (): string[] => ['--brokers', kafka().address]
  const resetCommand = (...words: string[]): Promise<Ended> =>
    folder.revlog(['reset', 'shop.js', ...words, ...brokers()])
  const table = async (): Promise<unknown[]> => {
    const words = ['run', 'shop.js', '--until-end', '--table', `${name}-totals`]
    const { code, out, err } = await folder.revlog([...words, ...brokers()])
    assert.equal(code, 0, err)
    return rows(out)
  }
  beforeEach(async () => {
    name = kafka().name('shop')
    folder = shopFolder(name)
    await makeShopTopics(kafka().address, name)
    const words = ['run', 'shop.js', '--from', `${name}-orders=orders.csv`]
    const { code, err } = await folder.revlog([...words, ...brokers()])
    assert.equal(code, 0, err)
  })
  afterEach(() => folder.remove())

  it('shows what it would do, does it, and finds nothing left', async () => {
    const dry = await resetCommand('--dry-run')
    assert.equal(dry.code, 0, dry.err)
    const forgets = dry.out.match(/forget offset \d+ of \S+-orders\/\d/g) ?? []
    assert.equal(forgets.length, 3, dry.out)
    assert.match(dry.out, new RegExp(`^reset ${name}:\n  delete topic ${name}-total-changelog\n`))
    assert.match(dry.out, /delete the state of 3 tasks in .*: total_0, total_1, total_2\n/)
    const asked = await resetCommand()
    assert.deepEqual([asked.code, asked.out], [2, dry.out])
    assert.match(asked.err, /there is no terminal to ask on/)
    assert.deepEqual(await table(), TOTALS)

    const done = await resetCommand('--yes')
    assert.deepEqual([done.code, done.out], [0, dry.out], done.err)
    assert.match(done.err, new RegExp(`deleted topic ${name}-total-changelog\n(.|\n)*deleted group ${name}`))
    assert.equal(existsSync(join(folder.path, '.revlog', name, 'tasks')), false)
    const again = await resetCommand('--yes')
    assert.deepEqual([again.code, again.out], [0, `reset ${name}:\n  nothing is left of an earlier run\n`])
    // From the first record on: were anything left of it, each order would count twice, or none would.
    assert.deepEqual(await table(), TOTALS)
  })

  it('asks on a terminal, and does it at yes and at nothing else', async function () {
    if (spawnSync('script', ['--version']).status !== 0) this.skip()
    /** At a terminal of its own: what is written there, and Ctrl-D at the end. */
    const atTerminal = (typed: string): Promise<string> => {
      const command = [process.execPath, BIN, 'reset', 'shop.js', ...brokers()].join(' ')
      const child = spawn('script', ['-qec', `${command}; echo code $?`, '/dev/null'], { cwd: folder.path })
      let out = ''
      child.stdout.on('data', (chunk: Buffer) => {
        if (!out.includes('(yes/no)') && `${out}${chunk}`.includes('(yes/no)')) child.stdin.end(typed)
        out += chunk.toString()
      })
      return once(child, 'close').then(() => out)
    }
    for (const typed of ['no\n', 'y\n', '', '\x03']) {
      const out = await atTerminal(typed)
      assert.match(out, /nothing was done(.|\r|\n)*code 0/, JSON.stringify(typed))
    }
    assert.deepEqual(await table(), TOTALS)
    assert.match(await atTerminal('yes\n'), new RegExp(`deleted group ${name}(.|\r|\n)*code 0`))
    assert.match((await resetCommand('--yes')).out, /nothing is left/)
  })

  it('refuses while members are active, here or anywhere', async () => {
    const here = folder.start(['run', 'shop.js', ...brokers()])
    await here.says('runs total_0')
    const locked = await resetCommand('--yes')
    assert.deepEqual([locked.code, /E_STATE_DIR_LOCKED/.test(locked.err)], [1, true], locked.err)
    const elsewhere = await resetCommand('--yes', '--dir', 'another')
    assert.deepEqual([elsewhere.code, /E_GROUP_ACTIVE/.test(elsewhere.err)], [1, true], elsewhere.err)
    assert.match(elsewhere.out, /has active members: .* at 127\.0\.0\.1/)
    here.process.kill('SIGTERM')
    assert.equal((await here.ended).code, 0)
    assert.deepEqual(await table(), TOTALS)
  })

  it('takes a dead member out when it is forced to', async () => {
    const member = folder.start(['run', 'shop.js', '--session-timeout', '60s', ...brokers()])
    await member.says('runs total_0')
    member.process.kill('SIGKILL')
    await member.ended
    const refused = await resetCommand('--yes')
    assert.match(refused.err, /E_GROUP_ACTIVE/)
    const forced = await resetCommand('--yes', '--force')
    assert.equal(forced.code, 0, forced.err)
    assert.deepEqual(await table(), TOTALS)
  })

  it('leaves the state of other machines, which then does not go on', async () => {
    const done = await resetCommand('--yes', '--dir', 'another')
    assert.equal(done.code, 0, done.err)
    const words = ['run', 'shop.js', '--until-end', ...brokers()]
    const { code, err } = await folder.revlog(words)
    assert.deepEqual([code, /E_CHANGELOG_(TRUNCATED|REPLACED)/.test(err)], [1, true], err)
    const again = await resetCommand('--yes')
    assert.equal(again.code, 0, again.err)
    assert.deepEqual(await table(), TOTALS)
  })

  it('is done again after it was interrupted anywhere, and nothing starts in between', async () => {
    const topology = await loadTopology(join(folder.path, 'shop.js'))
    const directory = join(folder.path, '.revlog', name)
    const options = { brokers: kafka().address, directory }
    const broker = await openKafkaBroker({ brokers: [kafka().address] })
    try {
      for (const steps of [1, 2]) {
        const plan = await planReset(topology, options, broker)
        let done = 0
        const crash = () => {
          done++
          if (done === steps) throw new Error('crash')
        }
        await assert.rejects(reset(plan, broker, { onDone: crash }), /crash/)
        const { code, err } = await folder.revlog(['run', 'shop.js', '--until-end', ...brokers()])
        assert.deepEqual([code, /E_TOPIC_MISSING/.test(err)], [1, true], err)
        if (steps === 2) break
        const again = await resetCommand('--yes')
        assert.equal(again.code, 0, again.err)
        assert.deepEqual(await table(), TOTALS)
      }
      const again = await resetCommand('--yes')
      assert.equal(again.code, 0, again.err)
      assert.deepEqual(await table(), TOTALS)
    } finally {
      await broker.close()
    }
  })
})
