import { messageOf, RevlogError } from '../../core/errors.js'
import type { KafkaOptions } from './options.js'

/** What kafkajs asks a mechanism for, and lends it. */
interface Exchange {
  readonly host: string
  readonly port: number
  readonly saslAuthenticate: (exchange: {
    readonly request: { encode(): Promise<Buffer> }
    readonly response: { decode(bytes: Buffer): Promise<Buffer>; parse(bytes: Buffer): Promise<Buffer> }
  }) => Promise<Buffer | undefined>
}

/** The `cause` of an `E_AUTH` that may pass: who issues tokens has none now, or a file is being written. */
export const NO_TOKEN = 'there is no token'
const LENGTH_BYTES = 4

/**
 * OAUTHBEARER (RFC 7628) as a mechanism of ours. kafkajs' own does not read what the broker answers, and the broker says
 * in its answer that it does not accept a token: the connection then just ended, which looked like a broker that is away.
 */
export function withOAuthBearer(sasl: KafkaOptions['sasl']): KafkaOptions['sasl'] {
  if (sasl === undefined || !('oauthBearerProvider' in sasl) || 'authenticationProvider' in sasl) return sasl
  const { mechanism, oauthBearerProvider } = sasl
  return {
    mechanism,
    authenticationProvider: ({ host, port, saslAuthenticate }: Exchange) => ({
      async authenticate() {
        const message = initialResponse(await tokenOf(oauthBearerProvider))
        const answer = await saslAuthenticate({
          request: { encode: async () => withLength(message) },
          response: { decode: async (bytes) => bytes, parse: async (bytes) => bytes },
        })
        const challenge = answer?.subarray(LENGTH_BYTES).toString() ?? ''
        if (challenge !== '') throw refused(`${host}:${port}`, challenge)
      },
    }),
  } as KafkaOptions['sasl']
}

interface Token {
  readonly value: string
  readonly extensions?: { readonly [name: string]: string } | undefined
}

async function tokenOf(provider: () => Promise<Token>): Promise<Token> {
  let token: Token
  try {
    token = await provider()
  } catch (thrown) {
    if (thrown instanceof RevlogError) throw thrown
    throw new RevlogError('E_AUTH', `oauthBearerProvider gave no token: ${messageOf(thrown)}`, {
      cause: NO_TOKEN,
      remedy: 'see that who issues the tokens can be reached',
    })
  }
  if (typeof token?.value === 'string' && token.value !== '') return token
  throw new RevlogError('E_AUTH', 'there is no token', {
    cause: NO_TOKEN,
    remedy: 'let oauthBearerProvider resolve with { value }, the token as a text; a file must not be empty',
  })
}

const SEPARATOR = '\u0001'

const initialResponse = ({ value, extensions = {} }: Token): Buffer => {
  const said = [
    `auth=Bearer ${value}`,
    ...Object.entries(extensions).map(([name, text]) => `${name}=${text}`),
  ]
  return Buffer.from(`n,,${SEPARATOR}${said.join(SEPARATOR)}${SEPARATOR}${SEPARATOR}`)
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** The broker's reason is JSON: `{"status":"invalid_token"}`. The token is not in it. */
const refused = (broker: string, challenge: string): RevlogError =>
  new RevlogError('E_AUTH', `${broker} refused the token: ${challenge}`, {
    remedy: 'give a token that has not expired, for the audience and the scope that the broker expects',
  })
