import type { BinaryKey } from '../../core/binary-key.js'
import type { Duration } from '../../core/duration.js'
import { keyCodec } from '../../serdes/key-codec.js'
import type { Serde } from '../../serdes/serde.js'
import type { StoreAccess, StoreSpec } from '../store.js'
import type { KeyValueOptions } from './key-value-store.js'
import { storedSerde } from './stored-serde.js'
import { createTimeRows, type TimeRow } from './time-rows.js'

export interface WindowEntry<K, V> {
  readonly key: K
  /** Start of the window, in milliseconds since the epoch. */
  readonly windowStart: number
  readonly value: V
}

/**
 * Values by key and start of a window. A window is there while `windowStart > observed stream time - retention`,
 * the observed time being the greatest start put under any key: Kafka Streams' window store. What has expired is
 * gone at once, whenever its row is removed; the observed time outlives a restart.
 *
 * Times are milliseconds since the epoch. For `retention` take the size of the windows and their grace period at
 * least.
 */
export interface WindowStore<K, V> {
  /** False when the window had expired and nothing was put. `undefined` deletes. */
  put(key: K, value: V | undefined, windowStart: number): boolean
  /** `undefined` when there is no such window, or none any more. */
  fetch(key: K, windowStart: number): V | undefined
  /** Windows of a key with `from <= windowStart <= to`, ascending by time. */
  fetchRange(key: K, from: number, to: number): IterableIterator<WindowEntry<K, V>>
  /** The same, descending. */
  backwardFetch(key: K, from: number, to: number): IterableIterator<WindowEntry<K, V>>
  /** Windows of every key with `from <= windowStart <= to`, by key and then time. */
  fetchAll(from: number, to: number): IterableIterator<WindowEntry<K, V>>
  /** Every window that is there, by key and then time. */
  all(): IterableIterator<WindowEntry<K, V>>
}

export interface WindowOptions<K, V> extends KeyValueOptions<K, V> {
  /** How far behind the greatest start a window is kept. */
  readonly retention: Duration
}

/**
 * A window store as a value.
 *
 * @param name names the store in the changelog; it does not change with the topology.
 * @example windowStore('clicks', { key: string(), value: int64(), retention: hours(1) })
 */
export function windowStore<K, V>(name: string, options: WindowOptions<K, V>): StoreSpec<WindowStore<K, V>> {
  const { key, value, retention } = options
  return Object.freeze({
    name,
    type: 'window',
    fingerprint: `window(${key.name}, ${value.name})`,
    open: (access: StoreAccess) => openWindowStore(access, key, storedSerde(value), retention),
  })
}

function openWindowStore<K, V>(
  access: StoreAccess,
  keySerde: Serde<K>,
  serde: Serde<V>,
  retention: number,
): WindowStore<K, V> {
  const { toKey, fromKey } = keyCodec(keySerde)
  const windows = createTimeRows(access, {
    atLeast: retention,
    from: (row) => row.time + retention,
    covers: () => false,
  })
  const isLive = (start: number): boolean => start > windows.observedTime() - retention
  function* entries(
    found: Iterable<TimeRow>,
    keep: (start: number) => boolean = () => true,
  ): IterableIterator<WindowEntry<K, V>> {
    for (const { key, time, value } of found) {
      if (isLive(time) && keep(time))
        yield { key: fromKey(key), windowStart: time, value: serde.decode(value) }
    }
  }
  const range = (key: BinaryKey, from: number, to: number, reverse: boolean) =>
    entries(windows.of(key, Math.max(from, windows.observedTime() - retention), to, reverse))
  return {
    put(key, value, windowStart) {
      windows.observe(windowStart)
      if (!isLive(windowStart)) return false
      if (value === undefined) windows.delete(toKey(key), windowStart)
      else windows.put(toKey(key), windowStart, serde.encode(value))
      return true
    },
    fetch(key, windowStart) {
      if (!isLive(windowStart)) return undefined
      const bytes = windows.get(toKey(key), windowStart)
      return bytes === undefined ? undefined : serde.decode(bytes)
    },
    fetchRange: (key, from, to) => range(toKey(key), from, to, false),
    backwardFetch: (key, from, to) => range(toKey(key), from, to, true),
    fetchAll: (from, to) => entries(windows.all(), (start) => start >= from && start <= to),
    all: () => entries(windows.all()),
  }
}
