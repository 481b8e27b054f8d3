import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { bytes, describe as describeTopology, stream, table, topic, topology } from 'revlog'

const t = (name: string) => topic(name, { key: bytes(), value: bytes() })
const GOLDEN = '../shared/conformance/kafka-streams/describe-golden.json'

/** Topologies of the golden texts; stateful operators have names here, which the goldens' generated ones are mapped to. */
const CASES = {
  stateless: topology('a', [
    stream(t('in'))
      .filter(() => true)
      .mapValues((v) => v)
      .to(t('out')),
  ]),
  'named-nodes': topology('a', [
    stream(t('in'), { name: 'src' })
      .filter(() => true, { name: 'flt' })
      .to(t('out'), { name: 'snk' }),
  ]),
} as const

interface Golden {
  readonly name: string
  readonly optimization: string
  readonly describe: string
}

describe('the description of a topology', () => {
  it("is Kafka Streams' text, to the byte", function () {
    if (!existsSync(GOLDEN)) {
      console.log(`skipped: ${GOLDEN} is not there (put the shared facts beside the project)`)
      return this.skip()
    }
    const { cases } = JSON.parse(readFileSync(GOLDEN, 'utf8')) as { cases: Golden[] }
    for (const [name, value] of Object.entries(CASES)) {
      const golden = cases.find((c) => c.name === name && c.optimization === 'none')
      assert.equal(describeTopology(value), golden?.describe)
    }
  })

  it('shows sub-topologies, stores and repartition topics', () => {
    const people = table(t('people'))
    const joined = stream(t('visits'))
      .groupBy((v) => v, { name: 'by-visitor', key: bytes() })
      .reduce((a) => a, { name: 'last-visit' })
      .toStream()
      .join(people, (visit) => visit, { name: 'with-person', value: bytes() })
    assert.equal(
      describeTopology(topology('app', [joined.to(t('out'), { name: 'result' })])),
      `Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000000 (topics: [visits])
      --> KSTREAM-KEY-SELECT-0000000001
    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])
      --> by-visitor-sink
      <-- KSTREAM-SOURCE-0000000000
    Sink: by-visitor-sink (topic: app-by-visitor-repartition)
      <-- KSTREAM-KEY-SELECT-0000000001

   Sub-topology: 1
    Source: by-visitor-source (topics: [app-by-visitor-repartition])
      --> last-visit
    Processor: last-visit (stores: [last-visit])
      --> KTABLE-TOSTREAM-0000000004
      <-- by-visitor-source
    Processor: KTABLE-TOSTREAM-0000000004 (stores: [])
      --> with-person
      <-- last-visit
    Source: KSTREAM-SOURCE-0000000005 (topics: [people])
      --> KTABLE-SOURCE-0000000006
    Processor: KTABLE-SOURCE-0000000006 (stores: [people])
      --> with-person
      <-- KSTREAM-SOURCE-0000000005
    Processor: with-person (stores: [people])
      --> result
      <-- KTABLE-TOSTREAM-0000000004, KTABLE-SOURCE-0000000006
    Sink: result (topic: out)
      <-- with-person

`,
    )
  })
})
