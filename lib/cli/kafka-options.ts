import { readFileSync } from 'node:fs'
import type { OpenKafkaBroker } from '../brokers/kafka/broker.js'
import { messageOf, RevlogError } from '../core/errors.js'
import { usageError } from './arguments.js'

export type Environment = { readonly [name: string]: string | undefined }

/**
 * How to reach Kafka: the addresses from the command line or `REVLOG_BROKERS`, everything secret from the environment
 * or from files that it names. A password on the command line could be read by everybody on the machine, so there is
 * no option for one.
 *
 * | variable | |
 * |---|---|
 * | `REVLOG_TLS` | `true`: TLS with the certificates that Node trusts |
 * | `REVLOG_TLS_CA_FILE`, `REVLOG_TLS_CERT_FILE`, `REVLOG_TLS_KEY_FILE` | PEM; TLS with these |
 * | `REVLOG_SASL_MECHANISM` | `plain`, `scram-sha-256` or `scram-sha-512` |
 * | `REVLOG_SASL_USERNAME`, `REVLOG_SASL_PASSWORD` or `REVLOG_SASL_PASSWORD_FILE` | |
 *
 * @throws RevlogError `E_USAGE`, `E_CONFIG`
 */
export function kafkaOptions(command: string, addresses: string, env: Environment): OpenKafkaBroker {
  const brokers = addresses
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '')
  if (brokers.length === 0) throw usageError(command, 'there is no address of a broker', 'write host:port')
  const ssl = tlsOf(env)
  const sasl = saslOf(env)
  return { brokers, ...(ssl === undefined ? {} : { ssl }), ...(sasl === undefined ? {} : { sasl }) }
}

function tlsOf(env: Environment): OpenKafkaBroker['ssl'] {
  const files = {
    ca: fileOf(env, 'REVLOG_TLS_CA_FILE'),
    cert: fileOf(env, 'REVLOG_TLS_CERT_FILE'),
    key: fileOf(env, 'REVLOG_TLS_KEY_FILE'),
  }
  const given = Object.entries(files).filter(([, text]) => text !== undefined)
  if (given.length > 0) return Object.fromEntries(given)
  const { REVLOG_TLS: tls } = env
  if (tls === undefined || tls === 'false') return undefined
  if (tls === 'true') return true
  throw invalid('REVLOG_TLS', `cannot be ${tls}`, 'set it to true or false')
}

function saslOf(env: Environment): OpenKafkaBroker['sasl'] {
  const { REVLOG_SASL_MECHANISM: named, REVLOG_SASL_USERNAME: username, REVLOG_SASL_PASSWORD: given } = env
  const password = given ?? fileOf(env, 'REVLOG_SASL_PASSWORD_FILE')?.trimEnd()
  if (named === undefined && username === undefined && password === undefined) return undefined
  if (username === undefined) {
    throw invalid('REVLOG_SASL_USERNAME', 'is missing', 'set it to the name of the user')
  }
  if (password === undefined) {
    const remedy = 'set it, or REVLOG_SASL_PASSWORD_FILE to a file that holds it'
    throw invalid('REVLOG_SASL_PASSWORD', 'is missing', remedy)
  }
  const login = { username, password }
  const mechanism = named?.toLowerCase()
  if (mechanism === 'plain') return { mechanism, ...login }
  if (mechanism === 'scram-sha-256') return { mechanism, ...login }
  if (mechanism === 'scram-sha-512') return { mechanism, ...login }
  const problem = named === undefined ? 'is missing beside a user and a password' : `cannot be ${named}`
  throw invalid('REVLOG_SASL_MECHANISM', problem, 'set it to plain, scram-sha-256 or scram-sha-512')
}

function fileOf(env: Environment, variable: string): string | undefined {
  const path = env[variable]
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw invalid(
      variable,
      `names a file that cannot be read: ${messageOf(thrown)}`,
      'name a file that can be read',
    )
  }
}

const invalid = (variable: string, problem: string, remedy: string): RevlogError =>
  new RevlogError('E_CONFIG', `the environment variable ${variable} ${problem}`, { remedy })
