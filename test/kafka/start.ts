import { startKafka } from './broker.js'
import { NEWEST } from './jars.js'

/**
 * `npm run kafka [-- PORT [VERSION]]`: a Kafka to try things with, until it is interrupted. Its data goes with it.
 */
const [port = '9092', version = NEWEST] = process.argv.slice(2)
const kafka = await startKafka({ version, port: Number(port) })
console.log(`Kafka ${version} listens on ${kafka.address}; Ctrl-C stops it and removes ${kafka.folder}`)
const alive = setInterval(() => {}, 60_000)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clearInterval(alive)
    void kafka.remove()
  })
}
