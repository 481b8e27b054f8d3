import assert from 'node:assert/strict'
import { type RunOptions, run } from 'revlog/service'
import { openKafkaBroker } from '../../../lib/brokers/kafka/broker.js'
import { type Folder, lines, strangersFolder } from '../../cli/revlog.js'
import { inDirectory, withCode } from '../../service/support.js'
import { type KafkaProxy, openProxy } from '../proxy.js'
import { countingOf, createTopics, visitsOf } from '../service/counting.js'
import { makeShopTopics, SHOP } from '../shop.js'
import { describeKafka, describeOwnKafka } from '../suite.js'
import { API } from '../wire.js'

describeOwnKafka('brokers that are not as they were', { proxies: 1 }, (kafka) => {
  describe('and lack a version that we speak', () => {
    let proxy: KafkaProxy
    beforeEach(async () => {
      proxy = await openProxy(kafka().proxied[0]!)
    })
    afterEach(() => proxy.close())

    /** As an older release, which speaks this request no further than that. */
    const older = (apiKey: number, maxVersion: number): void =>
      proxy.rewrite(API.apiVersions, (frame) => {
        const bytes = Buffer.from(frame)
        // Length, correlation id and error come first; then a list of key, least and greatest version.
        for (let i = 0, at = 14; i < bytes.readInt32BE(10); i++, at += 6) {
          if (bytes.readInt16BE(at) === apiKey) bytes.writeInt16BE(maxVersion, at + 4)
        }
        return bytes
      })
    const start = async (directory: string, name: string, options: RunOptions = {}) => {
      const counting = countingOf(name)
      await createTopics(kafka().address, counting, 1)
      return run(counting.topology, { brokers: proxy.address, directory, ...options })
    }

    it('are named at the start, with the request and the release that has it', () =>
      inDirectory(async (directory) => {
        older(API.offsetFetch, 6)
        const said = [proxy.address, 'to 6 of OffsetFetch', 'speaks 7', 'Apache Kafka 2.7 or newer']
        await assert.rejects(start(directory, kafka().name('app')), withCode('E_BROKER_VERSION', ...said))
      }))

    it('stop a service that needs it later', () =>
      inDirectory(async (directory) => {
        older(API.txnOffsetCommit, 2)
        const name = kafka().name('app')
        const service = await start(directory, name, { processingGuarantee: 'exactly_once' })
        await service.broker.produce(visitsOf(countingOf(name), 0, 10))
        await assert.rejects(service.finished, withCode('E_BROKER_VERSION', 'TxnOffsetCommit', 'speaks 3'))
      }))

    it('are found by doctor, all at once', async () => {
      older(API.produce, 7)
      const folder: Folder = strangersFolder()
      try {
        const name = kafka().name('shop')
        folder.write('shop.js', SHOP(name))
        await makeShopTopics(kafka().address, name)
        const { code, out } = await folder.revlog(['doctor', 'shop.js', '--json', '--brokers', proxy.address])
        assert.equal(code, 1)
        const errors = lines(out).filter(({ severity }) => severity === 'error')
        assert.deepEqual(
          errors.map(({ code, said }) => [code, said]),
          [['E_BROKER_VERSION', 'the broker does not speak Produce 8']],
        )
      } finally {
        await folder.remove()
      }
    })
  })

  describeKafka('and are of another cluster', (other) => {
    it('do not get the state of the first one', () =>
      inDirectory(async (directory) => {
        const counting = countingOf(kafka().name('app'))
        const clusters: (string | undefined)[] = []
        for (const { address } of [kafka(), other()]) {
          await createTopics(address, counting, 1)
          const broker = await openKafkaBroker({ brokers: [address] })
          clusters.push((await broker.client.metadata([])).clusterId)
          await broker.produce(visitsOf(counting, 0, 10))
          await broker.close()
        }
        const first = await run(counting.topology, { brokers: kafka().address, directory })
        await first.caughtUp()
        await first.stop()
        const second = await run(counting.topology, { brokers: other().address, directory })
        await assert.rejects(second.finished, withCode('E_STATE_FOREIGN', clusters[0]!, clusters[1]!))
        const again = await run(counting.topology, { brokers: kafka().address, directory })
        await again.caughtUp()
        await again.stop()
      }))
  })
})
