import { run } from 'revlog/service'
import { inputOf, recordOf } from './input.js'
import { consultants } from './topology.js'

// A service under load, in a process of its own: it feeds its own topics from where they end, in calls of some
// hundred records, and says how far they are acknowledged. SIGTERM stops it as the command line does.
//
//     node child.js DIRECTORY

const service = await run(consultants, { directory: process.argv[2]!, partitions: 2 })
let stopping = false
process.once('SIGTERM', () => {
  stopping = true
})

const ends = await Promise.all(['recommendations', 'moods'].map((topic) => service.broker.endOffsets(topic)))
let next = ends.flat().reduce((sum, end) => sum + end, 0)
process.send!({ running: next })

while (!stopping) {
  const size = 1 + ((next * 7) % 400)
  const records = Array.from({ length: size }, (_, i) => recordOf(inputOf(next + i)))
  await service.broker.produce(records)
  next += size
  process.send!({ acknowledged: next })
}
await service.stop()
process.disconnect()
