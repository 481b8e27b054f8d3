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
export type { KGroupedStream } from './dsl/kgrouped-stream.js'
export type { KGroupedTable } from './dsl/kgrouped-table.js'
export type { KStream } from './dsl/kstream.js'
export type { KTable } from './dsl/ktable.js'
export { stream, table } from './dsl/sources.js'
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
  Processor,
  ProcessorContext,
  PunctuationType,
  RecordMetadata,
} from './topology/processor.js'
export { type SinkTopic, type SourceTopic, type Topic, topic } from './topology/topic.js'
export { type Sink, type Topology, topology } from './topology/topology.js'
