import type { KafkaOptions } from './options.js'

/** What of the options must never be read by anyone. */
const SECRET = /^(?:password|secretAccessKey|sessionToken|accessKeyId|key|passphrase|pfx)$/
/** A shorter one would hide half of every sentence. */
const MIN_SECRET = 3

/**
 * Takes the secrets of some options out of a text. Nothing of ours writes them; a text of kafkajs, of a broker or of
 * Node's TLS might.
 */
export function redactor(options: KafkaOptions): (text: string) => string {
  const secrets = new Set<string>()
  for (const part of [options.sasl, options.ssl]) {
    if (typeof part !== 'object') continue
    for (const [name, value] of Object.entries(part)) {
      if (SECRET.test(name) && typeof value === 'string' && value.length >= MIN_SECRET) secrets.add(value)
    }
  }
  return (text) => {
    let redacted = text
    for (const secret of secrets) redacted = redacted.replaceAll(secret, '***')
    return redacted
  }
}
