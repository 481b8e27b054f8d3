import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, type Folder, type Running, strangersFolder } from '../../cli/revlog.js'
import { type KafkaProxy, openProxy } from '../proxy.js'
import { makeShopTopics, ORDERS, rows, SHOP, TOTALS } from '../shop.js'
import { describeOwnKafka } from '../suite.js'
import { API } from '../wire.js'

/** Far less than what an answer is waited for, and enough for a busy machine. */
const SOON_MS = 8_000

describeOwnKafka('revlog run that is stopped before it runs', { proxies: 1 }, (kafka) => {
  let folder: Folder
  let proxy: KafkaProxy
  let name: string
  const run = (...words: string[]): readonly string[] => [
    'run',
    'shop.js',
    '--brokers',
    proxy.address,
    ...words,
  ]
  beforeEach(async () => {
    folder = strangersFolder()
    proxy = await openProxy(kafka().proxied[0]!)
    name = kafka().name('shop')
    folder.write('shop.js', SHOP(name))
    folder.write('orders.csv', ORDERS)
    await makeShopTopics(kafka().address, name)
  })
  afterEach(async () => {
    await folder.remove()
    await proxy.close()
  })

  /** Says how it ended at a signal, and how long that took. */
  async function stopped({ process: child, ended }: Running, signal: NodeJS.Signals) {
    const since = Date.now()
    child.kill(signal)
    return { ...(await ended), ms: Date.now() - since }
  }
  const totals = async (...words: string[]): Promise<Ended> =>
    folder.revlog(run('--until-end', '--table', `${name}-totals`, ...words))
  /** Until it has asked for something that is answered much later, if ever. */
  async function waiting(apiKey: number): Promise<Running> {
    const asked = proxy.inject(apiKey, 'swallow response')
    const running = folder.start(run())
    await asked
    return running
  }

  for (const [signal, question, apiKey] of [
    ['SIGTERM', 'its first question', API.metadata],
    ['SIGINT', 'where the group is', API.offsetFetch],
  ] as const) {
    it(`leaves soon at ${signal} while Kafka does not answer ${question}, and nothing is lost`, async () => {
      const { ms, ...ended } = await stopped(await waiting(apiKey), signal)
      assert.deepEqual([ended.code, ended.out], [0, ''], ended.err)
      assert.match(ended.err, /stopped before it ran/)
      assert.ok(ms < SOON_MS, `${ms} ms`)
      const fed = await folder.revlog(run('--from', `${name}-orders=orders.csv`, '--table', `${name}-totals`))
      assert.deepEqual([fed.code, rows(fed.out)], [0, TOTALS], fed.err)
    })
  }

  for (const guarantee of ['at_least_once', 'exactly_once']) {
    it(`leaves soon at SIGTERM while its state is restored, and nothing is lost, ${guarantee}`, async () => {
      const words = ['--guarantee', guarantee]
      const fed = await folder.revlog(run('--from', `${name}-orders=orders.csv`, ...words))
      assert.equal(fed.code, 0, fed.err)
      rmSync(join(folder.path, '.revlog'), { recursive: true })
      const asked = proxy.inject(API.fetch, 'swallow response')
      const restoring = folder.start(run(...words))
      await asked
      const { ms, code, err } = await stopped(restoring, 'SIGTERM')
      assert.equal(code, 0, err)
      assert.ok(ms < SOON_MS, `${ms} ms`)
      const last = await totals(...words)
      assert.deepEqual([last.code, rows(last.out)], [0, TOTALS], last.err)
      assert.match(last.err, /restored the state of task total_/)
    })
  }

  it('leaves at once at a second SIGTERM while its tasks are taken over, and nothing is lost', async () => {
    // Nobody tells the group that it has gone.
    const session = ['--session-timeout', '1500ms']
    const fed = await folder.revlog(run('--from', `${name}-orders=orders.csv`))
    assert.equal(fed.code, 0, fed.err)
    rmSync(join(folder.path, '.revlog'), { recursive: true })
    const asked = proxy.inject(API.fetch, 'swallow response')
    const restoring = folder.start(run(...session))
    await asked
    proxy.freeze()
    restoring.process.kill('SIGTERM')
    await restoring.says('finishing what is begun')
    const since = Date.now()
    restoring.process.kill('SIGTERM')
    const { code, err } = await restoring.ended
    assert.equal(code, 143, err)
    assert.ok(Date.now() - since < 1_000)
    proxy.thaw()
    const last = await totals(...session)
    assert.deepEqual([last.code, rows(last.out)], [0, TOTALS], last.err)
  })
})
