import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type KafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { lastRevisions } from '../../lib/service/last-revisions.js'
import flightsAndWeather, { type Departure, departures } from '../../topologies/flights.js'
import { type Folder, ROOT, strangersFolder } from '../cli/revlog.js'
import { batchJoin, DATA, needsData } from '../topologies/nyc-2013.js'
import { describeOwnKafka } from './suite.js'

const PARTITIONS = 4
const MEMBER = fileURLToPath(new URL('./children/flights-member.js', import.meta.url))
const FLIGHTS = 32_735

describe('the flights of 2013 on Apache Kafka', function () {
  needsData(this)
  describeOwnKafka('two members, one of them killed half-way', {}, (kafka) => {
    let folder: Folder
    let broker: KafkaBroker
    const members: ChildProcess[] = []
    before(async () => {
      folder = strangersFolder()
      broker = await openKafkaBroker({ brokers: [kafka().address] })
    })
    after(async () => {
      for (const member of members) member.kill('SIGKILL')
      await broker?.close()
      await folder?.remove()
    })

    const member = (name: string): ChildProcess => {
      const child = fork(MEMBER, [kafka().address, join(folder.path, name)], { stdio: 'inherit' })
      members.push(child)
      return child
    }
    const sum = (offsets: readonly number[]): number => offsets.reduce((a, b) => a + b, 0)
    const answered = async (): Promise<number> => sum(await broker.endOffsets(departures.name))

    /** Whether the group has processed every record of the inputs. */
    async function finished(): Promise<boolean> {
      for (const topic of ['flights', 'weather']) {
        const ends = await broker.endOffsets(topic)
        const places = ends.map((_, partition) => ({ topic, partition }))
        const committed = await broker.client.committedOffsets(flightsAndWeather.name, places)
        if (committed.some(({ offset }, partition) => (offset ?? 0) < ends[partition]!)) return false
      }
      return true
    }

    it('the table of greatest revisions is the batch join', async () => {
      await broker.createTopic({
        name: departures.name,
        partitions: PARTITIONS,
        config: { cleanupPolicy: 'compact' },
      })
      for (const name of ['flights', 'weather']) {
        const { code, err } = await folder.revlog([
          ...['produce', name, join(DATA, `${name}.csv.gz`)],
          ...['--topology', join(ROOT, 'dist/topologies/flights.js')],
          ...['--brokers', kafka().address, '--partitions', String(PARTITIONS)],
        ])
        assert.equal(code, 0, err)
      }
      const first = member('first')
      member('second')
      await until(async () => (await answered()) > FLIGHTS / 2)
      first.kill('SIGKILL')
      await once(first, 'exit')
      await until(finished)
      const table: Departure[] = []
      for await (const { value } of lastRevisions(broker, departures)) table.push(value!)
      table.sort((a, b) => (a.id < b.id ? -1 : 1))
      assert.equal(table.length, FLIGHTS)
      assert.deepEqual(table, batchJoin())
    })
  })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
}
