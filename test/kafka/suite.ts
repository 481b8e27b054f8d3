import { randomBytes } from 'node:crypto'
import { type KafkaBroker, type KafkaOptions, startKafka } from './broker.js'
import { type KafkaCluster, startCluster } from './cluster.js'
import { sharedAddress, version, whatIsMissing } from './shared.js'

export interface TestKafka {
  /** `host:port` of a broker that is ready. */
  readonly address: string
  /** A name for a topic, a group or a transactional id that no other test has: other tests use the same broker. */
  readonly name: (text: string) => string
}

/** A broker that only one suite has: it may be restarted, killed and put behind a proxy. */
export interface OwnKafka extends TestKafka, KafkaBroker {}

/** Three nodes that only one suite has. */
export interface OwnCluster extends Pick<TestKafka, 'name'>, KafkaCluster {}

/** Long enough for the first download of the jars. */
const START_TIMEOUT_MS = 600_000

/**
 * A suite on real Apache Kafka: the one of `REVLOG_TEST_BROKERS`, else one that is started from Maven's jars and
 * shared by all suites of the run (release `REVLOG_TEST_KAFKA_VERSION`, else the newest). Without either, the
 * suite's tests are pending and one line says so; with `REVLOG_REQUIRE_KAFKA=1` they fail.
 */
export function describeKafka(title: string, define: (kafka: () => TestKafka) => void): void {
  describe(title, () => {
    let kafka: TestKafka | undefined
    before(async function () {
      this.timeout(START_TIMEOUT_MS)
      const { REVLOG_TEST_BROKERS: given } = process.env
      const missing = given === undefined ? await whatIsMissing() : undefined
      if (missing !== undefined) return skip(this, missing)
      kafka = { address: given ?? (await sharedAddress()), name }
    })
    define(() => kafka!)
  })
}

/** The same with a broker of its own, also where `REVLOG_TEST_BROKERS` names one: that one is not ours to disturb. */
export function describeOwnKafka(
  title: string,
  options: KafkaOptions,
  define: (kafka: () => OwnKafka) => void,
): void {
  describe(title, () => {
    let broker: KafkaBroker | undefined
    let kafka: OwnKafka | undefined
    before(async function () {
      this.timeout(START_TIMEOUT_MS)
      const missing = await whatIsMissing()
      if (missing !== undefined) return skip(this, missing)
      broker = await startKafka({ version: version(), ...options })
      kafka = { ...broker, name }
    })
    after(() => broker?.remove())
    define(() => kafka!)
  })
}

/** The same with a cluster of three. @param first the nodes that run at once */
export function describeCluster(
  title: string,
  first: readonly number[],
  define: (cluster: () => OwnCluster) => void,
): void {
  describe(title, () => {
    let cluster: OwnCluster | undefined
    before(async function () {
      this.timeout(START_TIMEOUT_MS)
      const missing = await whatIsMissing()
      if (missing !== undefined) return skip(this, missing)
      cluster = { ...(await startCluster(version(), first)), name }
    })
    after(() => cluster?.remove())
    define(() => cluster!)
  })
}

const name = (text: string): string => `${text}-${randomBytes(5).toString('hex')}`

function skip(suite: Mocha.Context, missing: string): void {
  const { REVLOG_REQUIRE_KAFKA } = process.env
  if (REVLOG_REQUIRE_KAFKA === '1') throw new Error(missing)
  suite.skip()
}
