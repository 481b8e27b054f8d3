/** What one may do with a topic, a group or the cluster (KIP-430). */
export type Operation =
  | 'READ'
  | 'WRITE'
  | 'CREATE'
  | 'DELETE'
  | 'ALTER'
  | 'DESCRIBE'
  | 'DESCRIBE_CONFIGS'
  | 'ALTER_CONFIGS'
  | 'IDEMPOTENT_WRITE'

/** The bit of each, by Kafka's numbers of `AclOperation`. */
const BITS: { readonly [operation in Operation]: number } = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
}

/** The least of all int32: nobody asked. */
const UNASKED = -(2 ** 31)

/** `undefined` when the broker does not tell. */
export function operationsOf(bits: number): ReadonlySet<Operation> | undefined {
  if (bits === UNASKED) return undefined
  const all = Object.keys(BITS) as Operation[]
  return new Set(all.filter((operation) => ((bits >> BITS[operation]) & 1) === 1))
}
