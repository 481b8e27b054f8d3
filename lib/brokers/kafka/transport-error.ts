import { messageOf, RevlogError } from '../../core/errors.js'
import type { KafkaOptions } from './options.js'
import { redactor } from './redact.js'

/** Node's and OpenSSL's names for a certificate that is not accepted. */
const CERTIFICATE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_|HOSTNAME_|EPROTO$|ERR_OSSL_)/
const EXPIRED = 'CERT_HAS_EXPIRED'
/** So does a port that does not speak TLS end the connection, but also a broker that goes away at that moment. */
const CUT_OFF = /before secure TLS connection/i
/** The `cause` of an `E_TLS` that may pass. */
export const HANDSHAKE_CUT_OFF = 'the handshake was cut off'
const SASL_TYPES = ['UNSUPPORTED_SASL_MECHANISM', 'SASL_AUTHENTICATION_FAILED']

/** What kafkajs and Node put on an error. */
interface Thrown {
  readonly name?: string
  readonly type?: string
  readonly code?: unknown
  readonly cause?: unknown
}

/** Turns what a connection throws into an error of ours, without the secrets. */
export function transportErrors(options: KafkaOptions): (thrown: unknown, broker: string) => RevlogError {
  const redact = redactor(options)
  return (thrown, broker) => {
    if (thrown instanceof RevlogError) return thrown
    const message = redact(messageOf(thrown))
    const chain = causes(thrown)
    const cutOff = CUT_OFF.test(message)
    if (cutOff || chain.some((e) => typeof e.code === 'string' && CERTIFICATE.test(e.code))) {
      return new RevlogError('E_TLS', `no secure connection to ${broker}: ${message}`, {
        ...(cutOff ? { cause: HANDSHAKE_CUT_OFF } : {}),
        remedy: chain.some((e) => e.code === EXPIRED)
          ? 'renew the certificate; if it has not expired, set the clock of this machine'
          : 'give the authority that signed the certificate of the broker as ssl.ca, use a host name that is in the certificate, and a port that speaks TLS',
      })
    }
    const refused = chain.some(
      (e) => e.name === 'KafkaJSSASLAuthenticationError' || SASL_TYPES.includes(e.type ?? ''),
    )
    if (refused) {
      return new RevlogError('E_AUTH', `${broker} refused the credentials: ${message}`, {
        remedy: 'check user name, password and mechanism of sasl',
      })
    }
    return unreachable(broker, message)
  }
}

/** It passes: the same request may succeed a moment later, here or at another broker. */
export const unreachable = (broker: string, message: string): RevlogError =>
  new RevlogError('E_BROKER_UNREACHABLE', `${broker}: ${message}`, {
    remedy:
      'check that the broker runs and can be reached; one that hangs up at once may want TLS or SASL on this port',
  })

function causes(thrown: unknown): Thrown[] {
  const chain: Thrown[] = []
  for (let e = thrown; typeof e === 'object' && e !== null && chain.length < 10; e = (e as Thrown).cause) {
    chain.push(e as Thrown)
  }
  return chain
}
