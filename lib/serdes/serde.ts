import type { BinaryKey } from '../core/binary-key.js'

/** Turns values into bytes. A sink needs no more. The bytes are the caller's: never changed, never used again. */
export interface Serializer<W> {
  readonly encode: (value: W) => Buffer
}

/**
 * Both directions. `W` is what may be written, `R` what is read: a schema may accept more than it returns.
 * They are function properties and not methods, so that `to(topic)` with the wrong value type does not compile.
 *
 * `decode` throws for bytes that it cannot read; the engine gives the error its coordinates and asks the
 * error policy. The result must not share memory with `bytes`, except where the serde says so.
 */
export interface Serde<W, R = W> extends Serializer<W> {
  /** Shown in messages, for example `json`. Also the fingerprint of what a store holds. */
  readonly name: string
  readonly decode: (bytes: Buffer) => R
  /**
   * For what revlog wrote itself (stores, changelogs, repartition topics): the same format without checking
   * again what was checked on the way in. Without it, the serde itself is used.
   */
  readonly trusted?: Serde<R>
  /** A short cut for keys: to and from {@link BinaryKey} without a buffer between. Must agree with encode and decode. */
  readonly toKey?: (value: W) => BinaryKey
  readonly fromKey?: (key: BinaryKey) => R
}

/** Any serde, where the types do not matter. */
export type AnySerde = Serde<any, any>

export const trusted = <R>(serde: Serde<any, R>): Serde<R> => serde.trusted ?? (serde as Serde<R>)
