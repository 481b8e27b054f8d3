import { readFileSync } from 'node:fs'
import type { OpenKafkaBroker } from '../brokers/kafka/broker.js'
import { messageOf, RevlogError } from '../core/errors.js'
import { usageError } from './arguments.js'
import type { Arguments, Option } from './command.js'

export type Environment = { readonly [name: string]: string | undefined }

/**
 * How any command reaches Kafka: an option, or else the variable of the same name (`--tls-ca`, `REVLOG_TLS_CA_FILE`).
 * A password on the command line could be read by everybody on the machine, so there is no option for one: it is in
 * `REVLOG_SASL_PASSWORD`, or in a file that an option or a variable names. So is a token.
 */
export const KAFKA_OPTIONS = {
  brokers: {
    type: 'string',
    value: 'HOST:PORT',
    help: 'Apache Kafka at these brokers, with commas between them. Also REVLOG_BROKERS',
  },
  tls: {
    type: 'boolean',
    help: 'TLS, with the certificates that Node trusts. Also REVLOG_TLS=true',
  },
  'tls-ca': {
    type: 'string',
    value: 'FILE',
    help: 'TLS, with these certificates (PEM). Also REVLOG_TLS_CA_FILE',
  },
  'tls-cert': {
    type: 'string',
    value: 'FILE',
    help: 'The certificate of this client (PEM). Also REVLOG_TLS_CERT_FILE',
  },
  'tls-key': {
    type: 'string',
    value: 'FILE',
    help: 'Its key (PEM). Also REVLOG_TLS_KEY_FILE',
  },
  'sasl-mechanism': {
    type: 'string',
    value: 'NAME',
    help: 'plain, scram-sha-256, scram-sha-512 or oauthbearer. Also REVLOG_SASL_MECHANISM',
  },
  'sasl-username': {
    type: 'string',
    value: 'NAME',
    help: 'The user. The password is never on the command line. Also REVLOG_SASL_USERNAME',
  },
  'sasl-password-file': {
    type: 'string',
    value: 'FILE',
    help: 'Holds the password. Also REVLOG_SASL_PASSWORD_FILE, or the password itself in REVLOG_SASL_PASSWORD',
  },
  'sasl-token-file': {
    type: 'string',
    value: 'FILE',
    help: 'Holds the token of oauthbearer; read again whenever one is needed. Also REVLOG_SASL_TOKEN_FILE, or the token itself in REVLOG_SASL_TOKEN',
  },
} as const satisfies { readonly [name: string]: Option }

/** One thing to be told: an option, and the variable for where there is none. */
interface Source {
  readonly option: keyof typeof KAFKA_OPTIONS | undefined
  readonly variable: string
}

const CA: Source = { option: 'tls-ca', variable: 'REVLOG_TLS_CA_FILE' }
const CERT: Source = { option: 'tls-cert', variable: 'REVLOG_TLS_CERT_FILE' }
const KEY: Source = { option: 'tls-key', variable: 'REVLOG_TLS_KEY_FILE' }
const MECHANISM: Source = { option: 'sasl-mechanism', variable: 'REVLOG_SASL_MECHANISM' }
const USERNAME: Source = { option: 'sasl-username', variable: 'REVLOG_SASL_USERNAME' }
const TOKEN_FILE: Source = { option: 'sasl-token-file', variable: 'REVLOG_SASL_TOKEN_FILE' }
const PASSWORD_FILE: Source = { option: 'sasl-password-file', variable: 'REVLOG_SASL_PASSWORD_FILE' }

/** The addresses that the command line gives, or the environment; `undefined` when neither does. */
export const brokersOf = (args: Arguments, env: Environment): string | undefined => {
  const { REVLOG_BROKERS } = env
  // An empty variable is how a shell takes one away for one command.
  return args.text('brokers') ?? (REVLOG_BROKERS === '' ? undefined : REVLOG_BROKERS)
}

/** For a command that is for Kafka alone. @throws RevlogError `E_USAGE`, `E_CONFIG` */
export const requiredKafka = (command: string, args: Arguments, env: Environment): OpenKafkaBroker =>
  kafkaOptions(command, requiredBrokers(command, args, env), args, env)

export function requiredBrokers(command: string, args: Arguments, env: Environment): string {
  const addresses = brokersOf(args, env)
  if (addresses !== undefined) return addresses
  throw usageError(
    command,
    'it is not known where Kafka is',
    'add --brokers host:port, or set REVLOG_BROKERS',
  )
}

/** @throws RevlogError `E_USAGE`, `E_CONFIG`; no message has a password or a key in it */
export function kafkaOptions(
  command: string,
  addresses: string,
  args: Arguments,
  env: Environment,
): OpenKafkaBroker {
  const brokers = addresses
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '')
  if (brokers.length === 0) throw usageError(command, 'there is no address of a broker', 'write host:port')
  const told = reader(args, env)
  const ssl = tlsOf(told, args, env)
  const sasl = saslOf(told, env)
  return { brokers, ...(ssl === undefined ? {} : { ssl }), ...(sasl === undefined ? {} : { sasl }) }
}

/** What a source says, and how the source was called, for a message. */
interface Told {
  readonly text: string
  readonly called: string
}

type Reader = (source: Source) => Told | undefined

const reader =
  (args: Arguments, env: Environment): Reader =>
  ({ option, variable }) => {
    const given = option === undefined ? undefined : args.text(option)
    if (given !== undefined) return { text: given, called: `the option --${option}` }
    const text = env[variable]
    return text === undefined || text === ''
      ? undefined
      : { text, called: `the environment variable ${variable}` }
  }

function tlsOf(told: Reader, args: Arguments, env: Environment): OpenKafkaBroker['ssl'] {
  const files = { ca: contentOf(told(CA)), cert: contentOf(told(CERT)), key: contentOf(told(KEY)) }
  const given = Object.entries(files).filter(([, text]) => text !== undefined)
  if (given.length > 0) return Object.fromEntries(given)
  const { REVLOG_TLS: tls } = env
  if (args.flag('tls') || tls === 'true') return true
  if (tls === undefined || tls === '' || tls === 'false') return undefined
  throw invalid('the environment variable REVLOG_TLS', `cannot be ${tls}`, 'set it to true or false')
}

function saslOf(told: Reader, env: Environment): OpenKafkaBroker['sasl'] {
  const named = told(MECHANISM)
  const tokens = tokensOf(told, env)
  if (named?.text.toLowerCase() === 'oauthbearer') {
    if (tokens !== undefined) return { mechanism: 'oauthbearer', oauthBearerProvider: tokens }
    const remedy = 'set it, or name a file that holds it with --sasl-token-file or REVLOG_SASL_TOKEN_FILE'
    throw invalid('the environment variable REVLOG_SASL_TOKEN', 'is missing', remedy)
  }
  if (tokens !== undefined) {
    throw invalid(
      named?.called ?? 'the environment variable REVLOG_SASL_MECHANISM',
      named === undefined ? 'is missing beside a token' : `cannot be ${named.text} beside a token`,
      'set it to oauthbearer',
    )
  }
  const user = told(USERNAME)
  const { REVLOG_SASL_PASSWORD: given } = env
  const password = contentOf(told(PASSWORD_FILE))?.trimEnd() ?? (given === '' ? undefined : given)
  if (named === undefined && user === undefined && password === undefined) return undefined
  if (user === undefined) {
    const remedy = 'set it to the name of the user, or write --sasl-username'
    throw invalid('the environment variable REVLOG_SASL_USERNAME', 'is missing', remedy)
  }
  if (password === undefined) {
    const remedy =
      'set it, or name a file that holds it with --sasl-password-file or REVLOG_SASL_PASSWORD_FILE'
    throw invalid('the environment variable REVLOG_SASL_PASSWORD', 'is missing', remedy)
  }
  const login = { username: user.text, password }
  const mechanism = named?.text.toLowerCase()
  if (mechanism === 'plain') return { mechanism, ...login }
  if (mechanism === 'scram-sha-256') return { mechanism, ...login }
  if (mechanism === 'scram-sha-512') return { mechanism, ...login }
  throw invalid(
    named?.called ?? 'the environment variable REVLOG_SASL_MECHANISM',
    named === undefined ? 'is missing beside a user and a password' : `cannot be ${named.text}`,
    'set it to plain, scram-sha-256, scram-sha-512 or oauthbearer',
  )
}

/** From a file that somebody renews the token is read again each time that a broker wants one. */
function tokensOf(told: Reader, env: Environment): (() => Promise<{ readonly value: string }>) | undefined {
  const file = told(TOKEN_FILE)
  if (file !== undefined) {
    const read = (): string => contentOf(file)!.trim()
    read()
    return async () => ({ value: read() })
  }
  const { REVLOG_SASL_TOKEN: value } = env
  return value === undefined || value === '' ? undefined : async () => ({ value })
}

function contentOf(file: Told | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file.text, 'utf8')
  } catch (thrown) {
    throw invalid(
      file.called,
      `names a file that cannot be read: ${messageOf(thrown)}`,
      'name a file that can be read',
    )
  }
}

const invalid = (called: string, problem: string, remedy: string): RevlogError =>
  new RevlogError('E_CONFIG', `${called} ${problem}`, { remedy })
