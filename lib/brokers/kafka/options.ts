import type { ConnectionOptions } from 'node:tls'
import type { Mechanism, SASLOptions } from 'kafkajs'
import type { RevlogError } from '../../core/errors.js'

/** How to reach a Kafka cluster. Nothing of it ever appears in an error or a log but broker addresses. */
export interface KafkaOptions {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[]
  /** How the brokers' logs and quotas call this client: `revlog` when absent. */
  readonly clientId?: string
  /** `true` for TLS with the certificates that Node trusts; `ca`, `cert` and `key` are PEM texts. */
  readonly ssl?: boolean | ConnectionOptions
  /** PLAIN, SCRAM or OAUTHBEARER, or a mechanism of the user's own, as kafkajs takes it. */
  readonly sasl?: SASLOptions | Mechanism
  /** How long opening one connection may take. 10,000 ms when absent. */
  readonly connectionTimeoutMs?: number
  /** How long one request may stay unanswered before its connection is given up. 10,000 ms when absent. */
  readonly requestTimeoutMs?: number
  /**
   * How long one call repeats what failed for a passing reason (a broker is away, a leader moves) before it rejects.
   * 120,000 ms when absent; `Infinity` waits for a broker of any absence.
   */
  readonly retryTimeoutMs?: number
  /**
   * Told why calls do not come to an end: of one that has been repeated for ten seconds, and each minute from then on.
   * The same reason is told once in a minute, however many calls have it.
   */
  readonly onLate?: (failure: RevlogError, ms: number) => void
  /** What the transport has to say, one line each; silent when absent. */
  readonly log?: (entry: KafkaLogEntry) => void
}

export interface KafkaLogEntry {
  readonly level: 'error' | 'warn' | 'info'
  readonly message: string
}
