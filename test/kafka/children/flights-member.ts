import { seconds } from 'revlog'
import { run } from 'revlog/service'
import flights from '../../../topologies/flights.js'

// One member that joins flights with weather on Kafka, until it is told to stop or killed.
//
//     node flights-member.js BROKERS DIRECTORY

const [, , brokers, directory] = process.argv
const service = await run(flights, { brokers: brokers!, directory: directory!, sessionTimeout: seconds(2) })
process.on('SIGTERM', () => void service.stop())
service.finished.catch((thrown: unknown) => {
  console.error(thrown)
  process.exitCode = 1
})
