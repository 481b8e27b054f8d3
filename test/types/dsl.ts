/** What must and what must not compile. Read by the compiler alone: nothing of it runs. */
import {
  float64,
  int64,
  json,
  type KGroupedStream,
  type KStream,
  type KTable,
  keyValueStore,
  minutes,
  type Sink,
  stream,
  string,
  table,
  topic,
  topology,
  versionedStore,
} from '../../lib/index.js'
import { expectType, type Same } from './expect.js'

interface Order {
  readonly customer: string
  readonly amount: number
}
interface Person {
  readonly name: string
}

const orders = topic('orders', { key: string(), value: json<Order>(), timestamp: (o) => o.amount })
const people = topic('people', { key: string(), value: json<Person>() })
const byNumber = topic('by-number', { key: int64(), value: json<Order>() })
const totals = topic('totals', { key: string(), value: float64() })
const source = stream(orders)
const persons = table(people)

// Nothing in here is annotated: types follow from the topics.
const spent = source
  .filter((order) => order.amount > 0)
  .join(persons, (order, person) => ({ name: person.name, amount: order.amount }), { name: 'with-person' })
  .map((visit, key) => ({ key: `${visit.name}/${key}`, value: visit.amount }), {
    key: string(),
    value: float64(),
  })
  .repartition({ name: 'by-visitor' })
  .groupByKey()
  .aggregate({ name: 'spent', init: () => 0, add: (sum, amount) => sum + amount, value: float64() })
expectType<Same<typeof spent, KTable<string, number>>>()
expectType<Same<typeof source, KStream<string, Order>>>()
const sinks: readonly Sink[] = [spent.toStream().to(totals)]
topology('app', sinks)

// Sinks: the topic of other keys, of other values, and of what a tombstone is not.
source.to(orders)
// @ts-expect-error the values are orders, the topic's are persons
source.to(people)
// @ts-expect-error the keys are strings, the topic's are numbers
source.to(byNumber)
// @ts-expect-error a value that may be absent is no order
source.mapValues((o): Order | undefined => o).to(people)
// @ts-expect-error a name is no topic
source.to('orders')

// Functions get the value first, then the key.
source.filter((_, key) => key.length > 1)
// @ts-expect-error an order has no such field
source.filter((order) => order.price > 1)
// @ts-expect-error a predicate answers yes or no
source.filter((order) => order.customer)
// @ts-expect-error a key and a value are needed
source.map((order) => ({ key: order.customer }))
// @ts-expect-error the serde is of another type than the function's result
source.mapValues((order) => order.amount, { value: string() })
// @ts-expect-error the serde is of another type than the new key
source.selectKey((order) => order.amount, { key: string() })

// A predicate that is a type guard narrows.
const large = source.filter((order): order is Order & { readonly large: true } => order.amount > 1000)
expectType<Same<typeof large, KStream<string, Order & { readonly large: true }>>>()

// Branches have the names that were given, and no others.
const branches = source.split(
  { big: (o) => o.amount > 10, small: (o) => o.amount > 1 },
  { otherwise: 'rest' },
)
expectType<Same<keyof typeof branches, 'big' | 'small' | 'rest'>>()
branches.big.to(orders)
// @ts-expect-error there is no such branch
branches.huge

// @ts-expect-error streams of other values do not merge
source.merge(stream(people))

// Joins: an inner one has a row, a left one may have none.
const inner = source.join(persons, (o, person) => o.amount + person.name.length, { name: 'a' })
expectType<Same<typeof inner, KStream<string, number>>>()
// @ts-expect-error without a row there is no name
source.leftJoin(persons, (_, person) => person.name, { name: 'b' })
const left = source.leftJoin(persons, (_, person) => person?.name, { name: 'c' })
expectType<Same<typeof left, KStream<string, string | undefined>>>()
// @ts-expect-error the joiner takes an order, not a number
source.join(persons, (n: number) => n, { name: 'd' })
// @ts-expect-error a person has no such field
source.join(persons, (_, person) => person.age, { name: 'e' })
// @ts-expect-error the table has other keys
source.join(table(byNumber), (o) => o, { name: 'f' })
// @ts-expect-error a stateful step has a name
source.join(persons, (o) => o, {})
// @ts-expect-error a table is needed, this is a stream
source.join(stream(people), (o) => o, { name: 'g' })

// Aggregates take their type from the serde that keeps them.
const grouped = source.groupByKey()
expectType<Same<typeof grouped, KGroupedStream<string, Order>>>()
const counted = grouped.count({ name: 'count' })
expectType<Same<typeof counted, KTable<string, number>>>()
// @ts-expect-error a store has a name
grouped.count()
// @ts-expect-error the aggregate is a number
grouped.aggregate({ name: 'x', init: () => '', add: (sum) => sum, value: float64() })
// @ts-expect-error `add` returns a number
grouped.aggregate({ name: 'x', init: () => 0, add: (_, order) => order.customer, value: float64() })
// @ts-expect-error the serde says what the aggregate is, so it cannot be left out
grouped.aggregate({ name: 'x', init: () => 0, add: (sum: number) => sum })
// @ts-expect-error an order is reduced to an order
grouped.reduce((a, b) => a.amount + b.amount, { name: 'x' })
// @ts-expect-error the new key needs a name for its topic
source.groupBy((o) => o.customer)

const regrouped = persons.groupBy((p) => p.name, { name: 'by-name', key: string() })
regrouped.aggregate({ name: 'n', init: () => 0, add: (n) => n + 1, subtract: (n) => n - 1, value: int64() })
// @ts-expect-error a table's aggregate takes back what it added
regrouped.aggregate({ name: 'n', init: () => 0, add: (n) => n + 1, value: int64() })

// A length of time says its unit.
table(people, { versioned: { historyRetention: minutes(5) } })
// @ts-expect-error a number is no duration
table(people, { versioned: { historyRetention: 300_000 } })
// @ts-expect-error a number is no duration
versionedStore('v', { key: string(), value: string(), historyRetention: 5 })

// The Processor API: stores by name, each of its kind.
const seen = keyValueStore('seen', { key: string(), value: int64() })
const history = versionedStore('history', {
  key: string(),
  value: json<Order>(),
  historyRetention: minutes(1),
})
const processed = source.process({
  stores: { seen, history },
  key: string(),
  value: float64(),
  create: ({ stores, emit, schedule, streamTime }) => {
    schedule(minutes(1), 'stream-time', (time) =>
      emit({ key: 'k', value: time, timestamp: time, headers: [] }),
    )
    // @ts-expect-error a number is no duration
    schedule(1_000, 'wall-clock-time', () => {})
    // @ts-expect-error there is no such time
    schedule(minutes(1), 'lunch-time', () => {})
    // @ts-expect-error the store keeps numbers
    stores.seen.put('k', 'one')
    // @ts-expect-error the store has string keys
    stores.seen.get(1)
    // @ts-expect-error a versioned store is put to with a time
    stores.history.put('k', { customer: 'c', amount: 1 })
    // @ts-expect-error there is no such store
    stores.nothing
    return {
      process: (record) => {
        // @ts-expect-error a tombstone has no amount
        record.value.amount
        // @ts-expect-error the serde says that numbers are emitted
        emit({ ...record, value: 'x' })
        emit({ ...record, value: undefined })
        emit({ ...record, value: (record.value?.amount ?? 0) + streamTime() })
      },
    }
  },
})
expectType<Same<typeof processed, KStream<string, number>>>()
source.processValues({
  value: float64(),
  // @ts-expect-error the key stays a string
  create: ({ emit }) => ({ process: (record) => emit({ ...record, key: 1, value: 1 }) }),
})

// `pipe` is as typed as what it applies.
const doubled = (amounts: KStream<string, number>): KStream<string, number> => amounts.mapValues((n) => n * 2)
processed.pipe(doubled).to(totals)
// @ts-expect-error the function takes numbers
source.pipe(doubled)

// A stream of something is a stream of less, as values are.
const customers: KStream<string, { readonly customer: string }> = source
// @ts-expect-error and not of more
const richer: KStream<string, Order & { readonly tip: number }> = source
topology('more', [customers.forEach(() => {}), richer.forEach(() => {})])

// A value is not changed by what is done with it.
// @ts-expect-error a stream's shape is frozen
source.shape.partitioned = false
// @ts-expect-error so is a topic
orders.name = 'other'

// The as-of join: a left one may have no match, an inner one has.
const asOf = source.asOfJoin(stream(people), {
  name: 'as-of',
  id: (order) => order.customer,
  join: (order, person) => ({ amount: order.amount, name: person?.name ?? 'nobody' }),
  gracePeriod: minutes(10),
})
expectType<Same<typeof asOf, KTable<string, { amount: number; name: string }>>>()
const innerAsOf = source.asOfJoin(stream(people), {
  name: 'as-of',
  how: 'inner',
  join: (order, person) => person.name.length + order.amount,
  gracePeriod: minutes(10),
})
expectType<Same<typeof innerAsOf, KTable<string, number>>>()
innerAsOf.toStream().to(totals)
// @ts-expect-error answers are numbers, the topic's values are persons
innerAsOf.toStream().to(people)
source.asOfJoin(stream(people), {
  name: 'as-of',
  // @ts-expect-error without a match there is no name
  join: (_, person) => person.name,
  gracePeriod: minutes(10),
})
source.asOfJoin(stream(people), {
  name: 'as-of',
  join: (order) => order,
  // @ts-expect-error a number is no duration
  gracePeriod: 600_000,
})
source.asOfJoin(stream(people), {
  name: 'as-of',
  // @ts-expect-error an order has no such field
  id: (order) => order.number,
  join: (order) => order,
  gracePeriod: minutes(10),
})
// @ts-expect-error how late a record may be has to be said
source.asOfJoin(stream(people), { name: 'as-of', join: (order) => order })
// @ts-expect-error both sides have the same keys
source.asOfJoin(stream(byNumber), { name: 'as-of', join: (order) => order, gracePeriod: minutes(1) })
// @ts-expect-error a stream is needed, this is a table
source.asOfJoin(persons, { name: 'as-of', join: (order) => order, gracePeriod: minutes(1) })
