import assert from 'node:assert/strict'
import type { Folder, Running } from '../cli/revlog.js'
import { installLoader } from '../cli/typescript-loader.js'
import { createRawTopic } from './admin.js'
import { makeShopTopics, manyOrders, rows, SHOP, shopFolder, TOTALS } from './shop.js'
import { describeKafka, describeOwnKafka } from './suite.js'

describeKafka('revlog run on Apache Kafka', (kafka) => {
  let folder: Folder
  let name: string
  const brokers = (): string[] => ['--brokers', kafka().address]
  const makeTopics = (partitions?: number): Promise<void> => makeShopTopics(kafka().address, name, partitions)
  beforeEach(() => {
    name = kafka().name('shop')
    folder = shopFolder(name)
  })
  afterEach(() => folder.remove())

  for (const guarantee of ['at_least_once', 'exactly_once']) {
    it(`files go through its topics, ${guarantee}, and a second run goes on from there`, async () => {
      await makeTopics()
      const run = ['run', 'shop.js', '--guarantee', guarantee, ...brokers()]
      const over = [...run, '--from', `${name}-orders=orders.csv`, '--table', `${name}-totals`]
      const first = await folder.revlog(over)
      assert.deepEqual([first.code, rows(first.out)], [0, TOTALS], first.err)
      assert.match(first.err, /runs total_0, total_1, total_2/)
      const second = await folder.revlog(over)
      assert.deepEqual(rows(second.out), [
        ['ada', 30],
        ['bob', 14],
      ])
      const third = await folder.revlog([...run, '--until-end', '--dir', 'elsewhere'])
      assert.equal(third.code, 0, third.err)
      assert.match(third.err, /restored the state of task total_/)
    })
  }

  it('goes on under the other guarantee after an orderly end', async () => {
    await makeTopics()
    let total = 0
    for (const guarantee of ['at_least_once', 'exactly_once', 'at_least_once']) {
      const words = ['run', 'shop.js', '--guarantee', guarantee, '--from', `${name}-orders=orders.csv`]
      const { code, out, err } = await folder.revlog([...words, '--table', `${name}-totals`, ...brokers()])
      total += 15
      assert.deepEqual([code, (rows(out)[0] as unknown[])[1]], [0, total], err)
    }
  })

  it('does not read state that was written with another serde', async () => {
    await makeTopics()
    const words = ['run', 'shop.js', '--from', `${name}-orders=orders.csv`, ...brokers()]
    assert.equal((await folder.revlog(words)).code, 0)
    folder.write(
      'shop.js',
      SHOP(name)
        .replace('value: json() })\nexport', 'value: float64() })\nexport')
        .replace('{ json', '{ float64, json'),
    )
    for (const place of [[], ['--dir', 'elsewhere']]) {
      const { code, err } = await folder.revlog(['run', 'shop.js', '--until-end', ...place, ...brokers()])
      assert.deepEqual([code, /E_STORE_INCOMPATIBLE/.test(err)], [1, true], err)
    }
  })

  it('runs on threads, from TypeScript', async () => {
    await makeTopics()
    folder.write('shop.ts', `${SHOP(name)}\nexport const typed: number = 1`)
    if (!(process.features as { readonly typescript?: unknown }).typescript) installLoader(folder, ': number')
    const { csv, totals } = manyOrders(3_000)
    folder.write('many.csv', csv)
    const run = ['run', 'shop.ts', '--threads', '2', ...brokers()]
    const over = [...run, '--from', `${name}-orders=many.csv`, '--table', `${name}-totals`]
    const { code, out, err } = await folder.revlog(over)
    assert.equal(code, 0, err)
    assert.deepEqual(rows(out).sort(), totals)
  })

  it('says what is missing before anything is written', async () => {
    await createRawTopic(kafka().address, `${name}-orders`, {})
    const words = ['run', 'shop.js', '--from', `${name}-orders=orders.csv`]
    const { code, err } = await folder.revlog([...words, ...brokers()])
    assert.equal(code, 1)
    assert.match(err, new RegExp(`E_TOPIC_UNKNOWN: .*${name}-totals`))
    const consumed = await folder.revlog(['consume', `${name}-orders`, ...brokers()])
    assert.deepEqual([consumed.code, consumed.out], [0, ''])
  })

  it('refuses what does not go with Kafka, and what goes with nothing else', async () => {
    for (const [words, said] of [
      [['--partitions', '4', ...brokers()], /--partitions makes topics, .*\n.*revlog produce TOPIC/],
      [['--member', '1/2'], /--member is for Apache Kafka/],
      [['--guarantee', 'exactly_once'], /--guarantee is for Apache Kafka/],
      [['--tls-ca', 'ca.pem'], /--tls-ca is for Apache Kafka/],
      [['--member', '3/2', ...brokers()], /--member 3\/2 is no place/],
      [['--session-timeout', '10', ...brokers()], /--session-timeout 10 is no length of time/],
      [['--guarantee', 'exactly-once', ...brokers()], /--guarantee cannot be exactly-once/],
    ] as const) {
      const { code, err } = await folder.revlog(['run', 'shop.js', ...words])
      assert.equal(code, 2)
      assert.match(err, said)
    }
  })

  it('members with fixed places share the tasks, and an empty variable is none', async () => {
    await makeTopics(2)
    const members = [1, 2].map((i) =>
      folder.start(['run', 'shop.js', '--member', `${i}/2`, '--dir', `m${i}`, ...brokers()]),
    )
    await members[0]!.says('runs total_0\n')
    await members[1]!.says('runs total_1\n')
    for (const { process: child } of members) child.kill('SIGTERM')
    for (const { ended } of members) assert.equal((await ended).code, 0)
    const words = ['run', 'shop.js', '--from', `${name}-orders=orders.csv`, '--table', `${name}-totals`]
    const { out } = await folder.revlog(words, '', { REVLOG_BROKERS: '' })
    assert.deepEqual(rows(out), TOTALS)
  })

  for (const guarantee of ['at_least_once', 'exactly_once']) {
    it(`is stopped and killed by signals while it processes, and loses nothing, ${guarantee}`, async () => {
      await makeTopics()
      const { csv, totals } = manyOrders(150_000)
      folder.write('many.csv', csv)
      const produce = ['produce', `${name}-orders`, 'many.csv', '--topology', 'shop.js']
      const produced = await folder.revlog([...produce, ...brokers()])
      assert.equal(produced.code, 0, produced.err)
      const options = ['--guarantee', guarantee, '--commit-interval', '20ms', '--session-timeout', '1500ms']
      const run = ['run', 'shop.js', ...options, ...brokers()]
      for (const [first, second] of [['SIGTERM'], ['SIGTERM', 'SIGTERM'], ['SIGINT', 'SIGINT']] as const) {
        const { process: child, says, ended } = folder.start(run)
        await says('runs total_')
        await new Promise((resolve) => setTimeout(resolve, 200))
        child.kill(first)
        await says('finishing what is begun')
        if (second !== undefined) child.kill(second)
        const { code, err } = await ended
        // It may have been done before the second one came.
        assert.ok(code === 0 || code === EXIT_AT_ONCE[second!], `${code}: ${err}`)
      }
      const last = await folder.revlog([...run, '--until-end', '--table', `${name}-totals`])
      assert.deepEqual([last.code, rows(last.out)], [0, totals], last.err)
    })
  }
})

const EXIT_AT_ONCE = { SIGTERM: 143, SIGINT: 130 } as const

describeOwnKafka('revlog run while Apache Kafka does not answer', { proxies: 0 }, (kafka) => {
  let folder: Folder
  let name: string
  let run: readonly string[]
  beforeEach(async () => {
    name = kafka().name('shop')
    folder = shopFolder(name)
    await makeShopTopics(kafka().address, name)
    run = ['run', 'shop.js', '--session-timeout', '1500ms', '--brokers', kafka().address]
  })
  afterEach(async () => {
    kafka().thaw()
    await folder.remove()
  })

  /** A service that has taken records and cannot commit them. */
  const stuck = async (): Promise<Running> => {
    const running = folder.start([...run, '--shutdown-timeout', '2s', '--commit-interval', '1s'])
    await running.says('runs total_')
    const from = ['--topology', 'shop.js', '--brokers', kafka().address]
    await folder.revlog(['produce', `${name}-orders`, 'orders.csv', ...from])
    await kafka().freeze()
    return running
  }
  const nothingIsLost = async (): Promise<void> => {
    kafka().thaw()
    const last = await folder.revlog([...run, '--until-end', '--table', `${name}-totals`])
    assert.deepEqual([last.code, rows(last.out)], [0, TOTALS], last.err)
  }

  it('ends within its bound, and nothing is lost', async () => {
    const { process: child, ended } = await stuck()
    const since = Date.now()
    child.kill('SIGTERM')
    const { code, err } = await ended
    const took = Date.now() - since
    assert.ok(took < 8_000, `it took ${took} ms: ${err}`)
    // What was there may have been committed in time; else the bound is what ended it.
    assert.ok(code === 0 || /E_SHUTDOWN_TIMEOUT/.test(err), err)
    await nothingIsLost()
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`leaves at once at a second ${signal}, and nothing is lost`, async () => {
      const { process: child, says, ended } = await stuck()
      child.kill(signal)
      await says('finishing what is begun')
      const since = Date.now()
      child.kill(signal)
      const { code, err } = await ended
      assert.ok(Date.now() - since < 1_000)
      assert.equal(code, EXIT_AT_ONCE[signal], err)
      await nothingIsLost()
    })
  }
})
