import assert from 'node:assert/strict'
import {
  bytes,
  describe as describeTopology,
  descriptionOf,
  stream,
  table,
  topic,
  topology,
} from '../../lib/index.js'
import type { Topology } from '../../lib/topology/topology.js'
import { conforms } from '../conformance.js'

const t = (name: string) => topic(name, { key: bytes(), value: bytes() })
const out = t('out')

/** Topologies of the recorded texts. */
const CASES: { readonly [name: string]: Topology } = {
  stateless: topology('a', [
    stream(t('in'))
      .filter(() => true)
      .mapValues((v) => v)
      .to(out),
  ]),
  'named-nodes': topology('a', [
    stream(t('in'), { name: 'src' })
      .filter(() => true, { name: 'flt' })
      .to(out, { name: 'snk' }),
  ]),
  'count-no-repartition': topology('a', [
    stream(t('in'))
      .groupByKey()
      .reduce((a) => a, { name: 'cnt' })
      .toStream()
      .to(out),
  ]),
  'count-with-repartition': topology('a', [
    stream(t('in'))
      .groupBy((v) => v, { name: 'by-value', key: bytes() })
      .reduce((a) => a, { name: 'cnt' })
      .toStream()
      .to(out),
  ]),
  'stream-table-join': topology('a', [
    stream(t('s'))
      .join(table(t('t')), (v) => v, { name: 'JOINED' })
      .to(out),
  ]),
}

interface Names {
  readonly nodes: { readonly [ours: string]: string }
  readonly things?: { readonly [ours: string]: string }
}

/** What has another generated name there, being stateful and so named by the user here. */
const NAMES: { readonly [name: string]: Names } = {
  'count-no-repartition': { nodes: { cnt: 'KSTREAM-AGGREGATE-0000000001' } },
  'count-with-repartition': {
    nodes: {
      'by-value-sink': 'KSTREAM-SINK-0000000004',
      'by-value-source': 'KSTREAM-SOURCE-0000000006',
      cnt: 'KSTREAM-AGGREGATE-0000000003',
      'KTABLE-TOSTREAM-0000000004': 'KTABLE-TOSTREAM-0000000007',
      'KSTREAM-SINK-0000000005': 'KSTREAM-SINK-0000000008',
    },
    things: {
      'a-by-value-repartition': 'KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition',
      cnt: 'KSTREAM-AGGREGATE-STATE-STORE-0000000002',
    },
  },
  'stream-table-join': {
    nodes: {
      'KSTREAM-SOURCE-0000000001': 'KSTREAM-SOURCE-0000000002',
      'KTABLE-SOURCE-0000000002': 'KTABLE-SOURCE-0000000003',
      JOINED: 'KSTREAM-JOIN-0000000004',
      'KSTREAM-SINK-0000000004': 'KSTREAM-SINK-0000000005',
    },
    things: { t: 't-STATE-STORE-0000000001' },
  },
}

const renamed = (text: string, { nodes, things = {} }: Names): string =>
  text
    .replace(/(?<=(?:Source|Processor|Sink): |--> |<-- )\S+/g, (name) => nodes[name] ?? name)
    .replace(/(?<=stores: \[|topic: )[^\]),]+/g, (name) => things[name] ?? name)
    .replace(/(?<=topics: \[)[^\]]+-repartition/g, (name) => things[name] ?? name)

/** Kafka Streams drops records without a key by a filter before a repartition topic; here its sink does. */
const withoutNullKeyFilter = (text: string): string =>
  text
    .replace(/ {4}Processor: (KSTREAM-FILTER-0000000005) .*\n.*\n.*\n/, '')
    .replace('--> KSTREAM-FILTER-0000000005', '--> KSTREAM-SINK-0000000004')
    .replace('<-- KSTREAM-FILTER-0000000005', '<-- KSTREAM-KEY-SELECT-0000000001')

describe('the description of a topology', () => {
  conforms<{ readonly cases: readonly { name: string; optimization: string; describe: string }[] }>(
    'kafka-streams',
    'describe-golden',
    ({ cases }) => {
      for (const [name, value] of Object.entries(CASES)) {
        const golden = cases.find((c) => c.name === name && c.optimization === 'none')!
        assert.equal(
          renamed(describeTopology(value), NAMES[name] ?? { nodes: {} }),
          name === 'count-with-repartition' ? withoutNullKeyFilter(golden.describe) : golden.describe,
          name,
        )
      }
    },
  )

  const people = table(t('people'))
  const app = topology('app', [
    stream(t('visits'))
      .groupBy((v) => v, { name: 'by-visitor', key: bytes() })
      .reduce((a) => a, { name: 'last-visit' })
      .toStream()
      .join(people, (visit) => visit, { name: 'with-person', value: bytes() })
      .to(out, { name: 'result' }),
  ])

  it('shows sub-topologies, stores and repartition topics', () => {
    assert.equal(
      describeTopology(app),
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
    Processor: with-person (stores: [people])
      --> result
      <-- KTABLE-TOSTREAM-0000000004
    Processor: KTABLE-SOURCE-0000000006 (stores: [people])
      --> none
      <-- KSTREAM-SOURCE-0000000005
    Sink: result (topic: out)
      <-- with-person

`,
    )
  })

  it('is also a Mermaid flowchart', () => {
    const chart = topology('app', [
      stream(t('in'))
        .filter(() => true)
        .to(out),
    ])
    assert.equal(
      describeTopology(chart, 'mermaid'),
      `flowchart TD
  topic0[("in")]
  topic1[("out")]
  subgraph sub0 ["Sub-topology 0"]
    n0_2["KSTREAM-SOURCE-0000000000"]
    n0_3["KSTREAM-FILTER-0000000001"]
    n0_4["KSTREAM-SINK-0000000002"]
  end
  topic0 --> n0_2
  n0_2 --> n0_3
  n0_3 --> n0_4
  n0_4 --> topic1
`,
    )
    const joined = describeTopology(app, 'mermaid')
    assert.match(joined, /subgraph sub1 \["Sub-topology 1"\]/)
    assert.match(joined, /\[\/"people"\/\]/)
  })

  it('is also data', () => {
    const described = JSON.parse(describeTopology(app, 'json'))
    assert.deepEqual(described, JSON.parse(JSON.stringify(descriptionOf(app))))
    assert.deepEqual(described.subTopologies[0].nodes[2], {
      name: 'by-visitor-sink',
      type: 'sink',
      topics: ['app-by-visitor-repartition'],
      stores: [],
      successors: [],
      predecessors: ['KSTREAM-KEY-SELECT-0000000001'],
    })
  })
})
