import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { json } from 'node:stream/consumers'
import { type KafkaBroker, startKafka } from './broker.js'
import { hasJars, jarsOf, NEWEST, run } from './jars.js'

/*
 * mocha runs the files of the tests in processes beside each other. What they share of Kafka is held by the process that
 * has started them: it looks once for Java and Maven, says once what is missing, starts one broker when the first suite
 * needs it, and removes it after the last. The others ask it over a socket. A mocha that was not told to load this file
 * holds it itself.
 */

/** Release `REVLOG_TEST_KAFKA_VERSION`, else the newest. */
export const version = (): string => {
  const { REVLOG_TEST_KAFKA_VERSION = NEWEST } = process.env
  return REVLOG_TEST_KAFKA_VERSION
}

/** What a machine needs for a broker and does not have, as a sentence; `undefined` when one can be started. */
export const whatIsMissing = (): Promise<string | undefined> => ask('missing')

/** `host:port` of the broker that all suites of the run have together. */
export const sharedAddress = async (): Promise<string> => (await ask('address'))!

const ENABLE = 'Install Java 17 and Maven, or set REVLOG_TEST_BROKERS=host:port.'

type Question = 'missing' | 'address'
interface Answer {
  readonly answer?: string | undefined
  readonly failure?: string
}

const own = (() => {
  let missing: Promise<string | undefined> | undefined
  let broker: Promise<KafkaBroker> | undefined
  return {
    missing() {
      missing ??= findOut()
      return missing
    },
    async address() {
      broker ??= startKafka({ version: version() })
      return (await broker).address
    },
    remove: async () => (await broker)?.remove(),
  }
})()

async function ask(question: Question): Promise<string | undefined> {
  const { REVLOG_TEST_RUN: port } = process.env
  if (port === undefined) return own[question]()
  const socket = connect(Number(port), '127.0.0.1')
  socket.end(question)
  const { answer, failure } = (await json(socket)) as Answer
  if (failure !== undefined) throw new Error(failure)
  return answer
}

interface Run {
  server: Server
}

export async function mochaGlobalSetup(this: Run): Promise<void> {
  this.server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', (question) => {
      const tell = (answer: Answer): void => void socket.end(JSON.stringify(answer))
      own[question.toString() as Question]().then(
        (answer) => tell({ answer }),
        (thrown: unknown) => tell({ failure: String(thrown) }),
      )
    })
  }).listen(0, '127.0.0.1')
  await once(this.server, 'listening')
  const address = this.server.address()
  if (typeof address === 'object') Object.assign(process.env, { REVLOG_TEST_RUN: String(address?.port) })
}

export async function mochaGlobalTeardown(this: Run): Promise<void> {
  this.server.close()
  await own.remove()
}

async function findOut(): Promise<string | undefined> {
  const missing = await lookFor()
  const { REVLOG_REQUIRE_KAFKA } = process.env
  if (missing === undefined) return undefined
  if (REVLOG_REQUIRE_KAFKA !== '1') {
    console.log(`  Suites on Apache Kafka are skipped: ${missing} ${ENABLE}`)
  }
  return `${missing} ${ENABLE}`
}

async function lookFor(): Promise<string | undefined> {
  const java = await run('java', ['-version'])
  if (!java.ok) return 'there is no java in the PATH.'
  const major = Number(/version "(\d+)/.exec(java.said)?.[1])
  if (major < 17) return `Kafka needs Java 17, this is ${major}.`
  if (!hasJars(version()) && !(await run('mvn', ['-v'])).ok) return 'there is no mvn in the PATH.'
  try {
    await jarsOf(version())
    return undefined
  } catch (thrown) {
    return `${String(thrown).replaceAll(/\s+/g, ' ').slice(0, 300)}.`
  }
}
