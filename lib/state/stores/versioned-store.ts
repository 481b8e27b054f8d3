import type { Duration } from '../../core/duration.js'
import { keyCodec } from '../../serdes/key-codec.js'
import type { Serde } from '../../serdes/serde.js'
import type { StoreAccess, StoreSpec } from '../store.js'
import type { KeyValueOptions } from './key-value-store.js'
import { storedSerde } from './stored-serde.js'
import { createTimeRows, type TimeRow } from './time-rows.js'

/** A value and when it was valid: `[validFrom, validTo)`. */
export interface VersionedRecord<V> {
  readonly value: V
  readonly validFrom: number
  /** `undefined` for the latest version. */
  readonly validTo: number | undefined
}

/**
 * What became of a version: it is the latest, it was too old to be put, or it is valid until the given time.
 */
export type PutResult = 'latest' | 'expired' | number

/**
 * The history of each key: a version is valid from its time until the next one's. Semantics of Kafka Streams'
 * versioned store (KIP-889), which differ from the as-of join's: one parameter is both how late a version may come
 * and how far back history reaches, and both are counted from the greatest time put under any key, which outlives a
 * restart. Times are milliseconds since the epoch.
 */
export interface VersionedStore<K, V> {
  /** A version valid from `timestamp`, replacing one at the same time; `undefined` ends what was valid. */
  put(key: K, value: V | undefined, timestamp: number): PutResult
  /** Ends what is valid at `timestamp`, and returns it. */
  delete(key: K, timestamp: number): VersionedRecord<V> | undefined
  /** The latest version, or the one valid at `asOf` if history reaches so far. */
  get(key: K, asOf?: number): VersionedRecord<V> | undefined
  /** Versions that were valid at some time of `[from, to]`, latest first unless ascending. */
  history(
    key: K,
    from?: number,
    to?: number,
    order?: 'ascending' | 'descending',
  ): readonly VersionedRecord<V>[]
}

export interface VersionedOptions<K, V> extends KeyValueOptions<K, V> {
  /** Both how late a version may come and how far back `asOf` and `history` reach. */
  readonly historyRetention: Duration
}

/**
 * A versioned store as a value.
 *
 * @param name names the store in the changelog; it does not change with the topology.
 * @example
 * const prices = versionedStore('prices', { key: string(), value: float64(), historyRetention: days(1) })
 * store.put('bread', 2.5, t0)
 * store.get('bread', t0 + 1)   // { value: 2.5, validFrom: t0, validTo: undefined }
 */
export function versionedStore<K, V>(
  name: string,
  options: VersionedOptions<K, V>,
): StoreSpec<VersionedStore<K, V>> {
  const { key, value, historyRetention } = options
  return Object.freeze({
    name,
    type: 'versioned',
    fingerprint: `versioned(${key.name}, ${value.name})`,
    open: (access: StoreAccess) => openVersionedStore(access, key, storedSerde(value), historyRetention),
  })
}

/** A row's value: 01 and the value, or 00 for a time from which there is none. */
const TOMBSTONE = Buffer.of(0)

function openVersionedStore<K, V>(
  access: StoreAccess,
  keySerde: Serde<K>,
  serde: Serde<V>,
  retention: number,
): VersionedStore<K, V> {
  const { toKey } = keyCodec(keySerde)
  const isTombstone = ({ value }: TimeRow): boolean => value[0] === 0
  // A version may go once it has ended before the horizon; a last tombstone once what it ended is gone too.
  const versions = createTimeRows(access, {
    atLeast: retention + 1,
    from(row, next) {
      const end = next?.time ?? (isTombstone(row) ? row.time : Infinity)
      return end + retention + 1
    },
    covers: isTombstone,
  })
  const horizon = (): number => versions.observedTime() - retention
  const encode = (value: V | undefined): Buffer => {
    if (value === undefined) return TOMBSTONE
    const body = serde.encode(value)
    const bytes = Buffer.allocUnsafe(1 + body.length)
    bytes[0] = 1
    bytes.set(body, 1)
    return bytes
  }
  const record = (row: TimeRow, validTo: number | undefined): VersionedRecord<V> | undefined =>
    isTombstone(row)
      ? undefined
      : { value: serde.decode(row.value.subarray(1)), validFrom: row.time, validTo }

  function validAt(key: string, asOf: number): VersionedRecord<V> | undefined {
    const row = versions.lastUpTo(key, asOf)
    if (row === undefined) return undefined
    if (asOf === Infinity) return record(row, undefined)
    const next = versions.firstFrom(key, row.time + 1)
    if (next !== undefined && asOf < horizon()) return undefined
    return record(row, next?.time)
  }

  return {
    put(key, value, timestamp) {
      const binary = toKey(key)
      versions.observe(timestamp)
      if (timestamp < horizon()) return 'expired'
      versions.put(binary, timestamp, encode(value))
      return versions.firstFrom(binary, timestamp + 1)?.time ?? 'latest'
    },
    delete(key, timestamp) {
      const binary = toKey(key)
      versions.observe(timestamp)
      if (timestamp < horizon()) return undefined
      const ended = validAt(binary, timestamp)
      versions.put(binary, timestamp, TOMBSTONE)
      return ended
    },
    get: (key, asOf = Infinity) => validAt(toKey(key), asOf),
    history(key, from = -Infinity, to = Infinity, order = 'descending') {
      const found: VersionedRecord<V>[] = []
      let validTo: number | undefined
      for (const row of versions.of(toKey(key), -Infinity, Infinity, true)) {
        const end = validTo ?? Infinity
        if (end <= from) break
        if (validTo !== undefined && end <= horizon()) break
        const expired = validTo !== undefined && to < horizon()
        if (row.time <= to && !expired) {
          const version = record(row, validTo)
          if (version !== undefined) found.push(version)
        }
        validTo = row.time
      }
      return order === 'descending' ? found : found.reverse()
    },
  }
}
