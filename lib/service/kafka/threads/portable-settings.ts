import { RevlogError } from '../../../core/errors.js'
import type { KafkaSettings, Settings } from '../../options.js'

/** Settings as they travel between threads, which functions cannot. */
export interface PortableSettings {
  readonly settings: Omit<Settings, 'partitionsOf' | 'signal' | 'onEvent' | 'kafka'>
  readonly kafka: KafkaSettings
  /** OAUTHBEARER: what gives tokens stays in the main thread, which is asked for them. */
  readonly asksForTokens: boolean
}

/** @throws RevlogError `E_THREADS_OPTIONS` for what cannot be sent to a thread */
export function portableSettings(all: Settings, kafka: KafkaSettings): PortableSettings {
  const { directory, startFrom, offsetReset, errors, maxTaskIdleMs, commitIntervalMs } = all
  const { generation, sourceHeaders } = all
  const { sasl, log, ...client } = kafka.client
  const asksForTokens = sasl !== undefined && 'oauthBearerProvider' in sasl
  const settings = {
    directory,
    startFrom,
    offsetReset,
    errors,
    maxTaskIdleMs,
    commitIntervalMs,
    generation,
    sourceHeaders,
  }
  const login = asksForTokens || sasl === undefined ? {} : { sasl }
  try {
    return structuredClone({ settings, kafka: { ...kafka, client: { ...client, ...login } }, asksForTokens })
  } catch (cause) {
    throw new RevlogError(
      'E_THREADS_OPTIONS',
      'functions and open resources in ssl or sasl cannot be sent to threads',
      { cause, remedy: 'give certificates as text, and a mechanism that needs no code; or run one thread' },
    )
  }
}
