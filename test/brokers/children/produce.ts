/**
 * Produces to the topic `t` of a directory until it is killed, several calls at a time, and prints for each
 * acknowledged call the partition, the first offset and the count. Record i of a call says how many it has.
 */
import { writeSync } from 'node:fs'
import { openBroker } from '../../../lib/brokers/embedded/open.js'
import type { ProducerRecord } from '../../../lib/core/record.js'

const [path, seed] = process.argv.slice(2)
const broker = await openBroker(path!)
if ((await broker.describeTopic('t')) === undefined) {
  await broker.createTopic({ name: 't', partitions: 2, config: { cleanupPolicy: 'delete' } })
}

async function produceForEver(producer: number): Promise<never> {
  for (let call = 0; ; call++) {
    const count = 1 + ((call * 37 + producer * 11) % 1_500)
    const records: ProducerRecord[] = Array.from({ length: count }, (_, i) => ({
      topic: 't',
      partition: producer % 2,
      key: Buffer.from(`${seed}/${producer}/${call}`),
      value: Buffer.from(`${i}/${count}`.padEnd(80)),
      timestamp: call,
      headers: [],
    }))
    const [appended] = await broker.produce(records)
    const { partition, baseOffset } = appended!
    // Straight to the pipe: what was printed has left the process, however it ends.
    writeSync(1, `${partition} ${baseOffset} ${count} ${seed}/${producer}/${call}\n`)
  }
}

await Promise.all([0, 1, 2, 3].map(produceForEver))
