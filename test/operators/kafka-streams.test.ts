/**
 * What Kafka Streams was seen to do, step by step, and what the same topology does here: key, value, time and order
 * of every output. The scenarios are recorded facts beside the project; the topologies are written from their
 * descriptions.
 */
import assert from 'node:assert/strict'
import {
  bigint64,
  float64,
  int32,
  int64,
  json,
  keyValueStore,
  milliseconds,
  minutes,
  stream,
  string,
  table,
  topic,
  topology,
} from '../../lib/index.js'
import { TopologyTestDriver } from '../../test-driver/index.js'
import { conforms } from '../conformance.js'
import { type AnyTopic, conform, numbered, of, type Recorded, type Scenario, strings } from './scenario.js'

const output = strings('output')

describe('stateless operators do what Kafka Streams does', () => {
  conform('stateless-chain', () => {
    const input = strings('in')
    const outputs = ['map', 'flatMap', 'flatMapValues', 'filter', 'filterNot', 'selectKey', 'mapValues'].map(
      strings,
    )
    const [map, flatMap, flatMapValues, filter, filterNot, selectKey, mapValues] = outputs as [
      AnyTopic,
      AnyTopic,
      AnyTopic,
      AnyTopic,
      AnyTopic,
      AnyTopic,
      AnyTopic,
    ]
    const s = stream(input)
    const peeked: string[] = []
    return {
      inputs: [input],
      outputs,
      sinks: [
        s.map((value, key) => ({ key: value, value: key })).to(map),
        s.flatMap((value, key) => [...value].map((_, i) => ({ key: key + i, value }))).to(flatMap),
        s.flatMapValues((value) => value.split('')).to(flatMapValues),
        s.filter((value) => value.length > 1).to(filter),
        s.filterNot((value) => value.length > 1).to(filterNot),
        s.selectKey((value) => value[0]!).to(selectKey),
        s
          .peek((value) => peeked.push(value))
          .mapValues((value) => value.toUpperCase())
          .to(mapValues),
      ],
    }
  })
  conform('merge-four', () => {
    const inputs = ['topic-1', 'topic-2', 'topic-3', 'topic-4'].map(strings)
    const [a, b, c, d] = inputs.map((t) => stream(t))
    return { inputs, outputs: [output], sinks: [a!.merge(b!).merge(c!).merge(d!).to(output)] }
  })
  conform('split-branch', () => {
    const input = numbered('topic')
    const outputs = ['foo-bar', 'foo-4', 'foo-5', 'foo-0'].map(numbered)
    const branches = stream(input).split(
      {
        bar: (_, key) => key % 2 === 0,
        mult3: (_, key) => key % 3 === 0,
        mult5: (_, key) => key % 5 === 0,
        negative: (_, key) => key < 0,
        mult7: (_, key) => key % 7 === 0,
      },
      { otherwise: 'rest' },
    )
    return {
      inputs: [input],
      outputs,
      sinks: [branches.bar, branches.negative, branches.mult7, branches.rest].map((b, i) =>
        b.to(outputs[i]!),
      ),
    }
  })
  conform('split-no-default', () => {
    const input = numbered('topic')
    const outputs = ['x2', 'x3', 'x5'].map(numbered)
    const { x2, x3, x5 } = stream(input).split({
      x2: (_, key) => key % 2 === 0,
      x3: (_, key) => key % 3 === 0,
      x5: (_, key) => key % 5 === 0,
    })
    return { inputs: [input], outputs, sinks: [x2, x3, x5].map((b, i) => b.to(outputs[i]!)) }
  })
  conform('deserialization-log-and-continue', () => {
    const input = of('in', string(), bigint64())
    return {
      inputs: [input],
      outputs: [output],
      raw: true,
      options: { onError: { deserialization: 'skip' } },
      sinks: [
        stream(input)
          .mapValues(() => 'ok')
          .to(output),
      ],
    }
  })
  conform('processing-exception-log-and-continue', () => {
    const input = strings('in')
    const fails = (value: string): string => {
      if (value === 'bad') throw new Error('bad')
      return value
    }
    return {
      inputs: [input],
      outputs: [output],
      options: { onError: { processing: 'skip' } },
      sinks: [stream(input).mapValues(fails).to(output)],
    }
  })
  conform('recursive-topology-order', () => {
    const input = strings('input')
    const again = stream(input)
      .filter((value) => !value.startsWith('recurse-'))
      .mapValues((value) => `recurse-${value}`)
    return { inputs: [input], outputs: [output], sinks: [stream(input).to(output), again.to(input)] }
  })
})

describe('the Processor API does what Kafka Streams does', () => {
  conform('papi-state-and-forward', () => {
    const input = strings('in')
    const [outA, outB] = [of('outA', string(), int32()), of('outB', string(), int32())]
    const counts = keyValueStore('cnt', { key: string(), value: int32() })
    const counted = stream(input).processValues({
      stores: { counts },
      value: json<{ readonly to: string; readonly n: number }>(),
      create: ({ stores, emit }) => ({
        process(record) {
          const n = (stores.counts.get(record.key) ?? 0) + 1
          stores.counts.put(record.key, n)
          emit({ ...record, value: { to: 'a', n } })
          if (n % 2 === 0) emit({ ...record, value: { to: 'b', n }, timestamp: record.timestamp + 1 })
        },
      }),
    })
    const { a, b } = counted.split({ a: ({ to }) => to === 'a', b: ({ to }) => to === 'b' })
    return {
      inputs: [input],
      outputs: [outA, outB],
      sinks: [a.mapValues(({ n }) => n).to(outA), b.mapValues(({ n }) => n).to(outB)],
    }
  })
})

describe('aggregates do what Kafka Streams does', () => {
  const counts = of('output', string(), int64())

  conform('agg-stream-reduce', () => {
    const input = strings('topic')
    const reduced = stream(input)
      .groupByKey()
      .reduce((a, b) => `${a}+${b}`, { name: 'reduce' })
    return { inputs: [input], outputs: [output], sinks: [reduced.toStream().to(output)] }
  })
  conform('agg-stream-groupby-rekey', () => {
    const input = strings('topic')
    const counted = stream(input)
      .groupBy((value) => value, { name: 'by-value', key: string() })
      .count({ name: 'counts' })
    return { inputs: [input], outputs: [counts], sinks: [counted.toStream().to(counts)] }
  })
  conform('agg-table-basic', () => {
    const input = strings('topic1')
    const aggregated = table(input)
      .groupBy((_, key) => key, { name: 'by-key', key: string() })
      .aggregate({
        name: 'sums',
        init: () => '0',
        add: (sum, value) => `${sum}+${value}`,
        subtract: (sum, value) => `${sum}-${value}`,
        value: string(),
      })
    return { inputs: [input], outputs: [output], sinks: [aggregated.toStream().to(output)] }
  })
  conform('agg-table-reduce', () => {
    const input = of('input', string(), float64())
    const sums = of('output', string(), float64())
    const reduced = table(input)
      .mapValues(Math.trunc, { value: float64() })
      .groupBy((_, key) => key, { name: 'by-key', key: string() })
      .reduce(
        (a, b) => a + b,
        (a, b) => a - b,
        { name: 'sums' },
      )
    return { inputs: [input], outputs: [sums], sinks: [reduced.toStream().to(sums)] }
  })
  conform('agg-table-remove-old-before-add-new', () => {
    const input = strings('count-test-input')
    const aggregated = table(input)
      .mapValues((_, key) => key[1]!, { value: string() })
      .groupBy((_, key) => key[0]!, { name: 'by-first', key: string() })
      .aggregate({
        name: 'joined',
        init: () => '',
        add: (sum, value) => sum + value,
        subtract: (sum, value) => sum.replaceAll(value, ''),
        value: string(),
      })
    return { inputs: [input], outputs: [output], sinks: [aggregated.toStream().to(output)] }
  })
  conform('agg-table-same-key-one-event', () => {
    const input = strings('input-topic')
    const counted = table(input)
      .groupBy((_, key) => key, { name: 'by-key', key: string() })
      .count({ name: 'counts' })
    return { inputs: [input], outputs: [counts], sinks: [counted.toStream().to(counts)] }
  })
  conform('agg-table-count-versioned', () => {
    const input = strings('count-test-input')
    const counted = table(input, { versioned: { historyRetention: minutes(5) } })
      .groupBy((value) => value, { name: 'by-value', key: string() })
      .count({ name: 'counts' })
    return { inputs: [input], outputs: [counts], sinks: [counted.toStream().to(counts)] }
  })
})

describe('tables do what Kafka Streams does', () => {
  conform('table-filter', () => {
    const input = of('topic1', string(), int32())
    const [even, odd] = [of('even', string(), int32()), of('odd', string(), int32())]
    const t = table(input)
    return {
      inputs: [input],
      outputs: [even, odd],
      sinks: [
        t
          .filter((v) => v % 2 === 0)
          .toStream()
          .to(even),
        t
          .filterNot((v) => v % 2 === 0)
          .toStream()
          .to(odd),
      ],
      differs: {
        why:
          'a tombstone for a row that never was in the result says nothing: Kafka Streams leaves it out too as soon ' +
          'as something downstream asks for old values, which here every change carries',
        expected: (recorded) => {
          const present = new Set<string>()
          return recorded.filter(({ sink, key, value }) => {
            const row = `${sink}/${key}`
            if (value === null) return present.delete(row)
            present.add(row)
            return true
          })
        },
      },
    }
  })
  conform('table-filter-skip-null-tombstones', () => {
    const input = strings('topic1')
    const reduced = table(input)
      .filter((value) => value === 'accept')
      .groupBy((_, key) => key, { name: 'by-key', key: string() })
      .reduce(
        (a, b) => `${a}+${b}`,
        (a, b) => `${a}-${b}`,
        { name: 'reduced' },
      )
    return { inputs: [input], outputs: [output], sinks: [reduced.toStream().to(output)] }
  })
  conform('table-mapvalues', () => {
    const input = strings('topic1')
    const digits = of('output', string(), int32())
    const mapped = table(input).mapValues((value) => value.charCodeAt(0) - 48)
    return { inputs: [input], outputs: [digits], sinks: [mapped.toStream().to(digits)] }
  })
  conform('table-source-out-of-order-versioned', () => {
    const input = strings('topic1')
    const t = table(input, { versioned: { historyRetention: minutes(5) } })
    return { inputs: [input], outputs: [output], sinks: [t.toStream().to(output)] }
  })
  conform('totable-key-change', () => {
    const input = strings('input')
    const numbers = numbered('output')
    const t = stream(input)
      .map((value, key) => ({ key: key.charCodeAt(0) - 65, value }), { key: int32(), value: string() })
      .repartition({ name: 'by-number' }) // which Kafka Streams inserts by itself
      .toTable({ name: 'numbers' })
    return { inputs: [input], outputs: [numbers], sinks: [t.toStream().to(numbers)] }
  })
  conform('totable-stream-join', () => {
    const [left, right] = [strings('streamTopic'), strings('tableTopic')]
    const joined = stream(left).join(stream(right).toTable({ name: 'rows' }), (l, r) => `${l}+${r}`, {
      name: 'join',
    })
    return { inputs: [left, right], outputs: [output], sinks: [joined.to(output)] }
  })
})

describe('stream-table joins do what Kafka Streams does', () => {
  const plus = (l: string, r: string | undefined): string => `${l}+${r ?? null}`
  const minus = (l: string, r: string | undefined): string => `${l}-${r ?? null}`
  const results = numbered('output')

  /** `history` is the retention of a table with history. */
  const join = (
    how: 'join' | 'leftJoin',
    left: AnyTopic,
    right: AnyTopic,
    out: AnyTopic,
    joiner: typeof plus,
    history?: number,
  ): Scenario => ({
    inputs: [left, right],
    outputs: [out],
    sinks: [
      stream(left)
        [how](
          table(
            right,
            history === undefined ? {} : { versioned: { historyRetention: milliseconds(history) } },
          ),
          joiner,
          { name: 'joined' },
        )
        .to(out),
    ],
  })
  const [streamTopic, tableTopic] = [numbered('streamTopic'), numbered('tableTopic')]
  for (const file of [
    'st-inner-clear-table-entry-on-null-value-updates',
    'st-inner-join-only-if-match-found-on-stream-updates',
    'st-inner-not-join-on-table-updates',
  ]) {
    conform(file, () => join('join', streamTopic, tableTopic, results, plus))
  }
  conform('st-left-not-join-on-table-updates', () => join('leftJoin', streamTopic, tableTopic, results, plus))

  const [left, right] = [numbered('inputTopicLeft'), numbered('inputTopicRight')]
  conform('st-inner-unversioned', () => join('join', left, right, results, minus))
  conform('st-left-unversioned', () => join('leftJoin', left, right, results, minus))
  conform('st-left-versioned', () => join('leftJoin', left, right, results, minus, 300_000))

  conform('st-null-key-and-value', () => {
    const [inner, outer] = [numbered('inner'), numbered('left')]
    const [s, t] = [stream(streamTopic), table(tableTopic)]
    return {
      inputs: [streamTopic, tableTopic],
      outputs: [inner, outer],
      sinks: [s.join(t, plus, { name: 'a' }).to(inner), s.leftJoin(t, plus, { name: 'b' }).to(outer)],
    }
  })
  // The other sinks of this scenario are stream-stream joins, which do not exist here.
  conform('repartition-null-key', () => {
    const [l, r, out] = [strings('left'), strings('table'), strings('leftST')]
    const joined = stream(l).leftJoin(table(r), (a, b) => `${a}|${b ?? null}`, { name: 'joined' })
    return { inputs: [l], outputs: [out], sinks: [joined.to(out)] }
  })

  const [s, t] = [strings('s'), strings('t')]
  conform('asof-gap-late-table-update', () => join('join', s, t, output, minus, 300_000))
  conform('asof-gap-tie-same-timestamp', () => join('join', s, t, output, minus, 300_000))
  conform('asof-gap-late-tombstone-left', () => join('leftJoin', s, t, output, minus, 300_000))
  conform('asof-gap-table-after-stream-left', () => join('leftJoin', s, t, output, minus, 300_000))
  conform('asof-gap-versioned-out-of-order-stream', () => join('leftJoin', s, t, output, minus, 300_000))
  conform('asof-gap-history-expired-lookup', () => join('leftJoin', s, t, output, minus, 100))
})

describe('event time is extracted as Kafka Streams does', () => {
  // The windowed count of this scenario does not exist here; its times and the record that is left out do.
  conforms<Recorded>('kafka-streams', 'timestamp-extractor-payload', (recorded) => {
    const input = topic('in', {
      key: string(),
      value: json<string>(),
      timestamp: (value) => Number(value.split('@')[1]),
    })
    using driver = new TopologyTestDriver(topology('times', [stream(input).to(output)]), {
      onError: { timestamp: 'skip' },
    })
    for (const { key, value, ts } of recorded.steps) driver.inputTopic(input).pipeInput(key, value, ts)
    assert.deepEqual(
      driver
        .outputTopic(output)
        .readRecordsToList()
        .map((r) => r.timestamp),
      recorded.expected.map((o) => o.ts),
    )
    assert.equal(driver.dropped().get('invalid-timestamp'), 1)
  })
})
