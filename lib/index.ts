/** Topics, serdes, the DSL and topologies: everything to say what an application does. */
export * from './core/duration.js'
export { type Coordinates, RevlogError } from './core/errors.js'
export type { Change, Header, Headers, Record } from './core/record.js'
export {
  compareRevisions,
  decodeRevision,
  formatRevision,
  REVISION_HEADERS,
  type Revision,
} from './core/revision.js'
export type { AggregateOptions, KGroupedStream } from './dsl/kgrouped-stream.js'
export type { KGroupedTable, TableAggregateOptions } from './dsl/kgrouped-table.js'
export type { GroupByOptions, KStream, Named, ValueOptions } from './dsl/kstream.js'
export type { KTable } from './dsl/ktable.js'
export { stream, type TableOptions, table } from './dsl/sources.js'
export type { AsOfJoinOptions } from './operators/as-of-join/index.js'
export type { Predicate } from './operators/filter/index.js'
export type { KeyValue, SerdeOptions } from './operators/map/index.js'
export type { OpenStores, ProcessContext, ProcessOptions, StoreSpecs } from './operators/process/index.js'
export type { RepartitionOptions } from './operators/repartition/index.js'
export type { SelectKeyOptions } from './operators/select-key/index.js'
export type { TableGroupOptions } from './operators/table-group/index.js'
export { json } from './serdes/json.js'
export * from './serdes/primitives.js'
export type { Serde, Serializer } from './serdes/serde.js'
export type { StandardSchema } from './serdes/standard-schema.js'
export type { StoreSpec } from './state/store.js'
export { type KeyValueStore, keyValueStore } from './state/stores/key-value-store.js'
export {
  type TimestampedKeyValueStore,
  timestampedKeyValueStore,
} from './state/stores/timestamped-key-value-store.js'
export {
  type PutResult,
  type VersionedRecord,
  type VersionedStore,
  versionedStore,
} from './state/stores/versioned-store.js'
export { type WindowEntry, type WindowStore, windowStore } from './state/stores/window-store.js'
export {
  type DescriptionFormat,
  describe,
  descriptionOf,
  type TopologyDescription,
} from './topology/describe.js'
export type {
  Cancellable,
  DropReason,
  Processor,
  ProcessorContext,
  PunctuationType,
  RecordMetadata,
} from './topology/processor.js'
export {
  type SinkTopic,
  type SourceTopic,
  type TimestampExtractor,
  type Topic,
  type TopicOptions,
  topic,
} from './topology/topic.js'
export { type Sink, type Topology, topology } from './topology/topology.js'
