import assert from 'node:assert/strict'
import { redactor } from '../../../lib/brokers/kafka/redact.js'
import { transportErrors } from '../../../lib/brokers/kafka/transport-error.js'

const OPTIONS = {
  brokers: ['localhost:9092'],
  sasl: { mechanism: 'plain', username: 'ada', password: 'correct horse' },
  ssl: { key: '-----BEGIN PRIVATE KEY-----', passphrase: 'battery staple' },
} as const

describe('secrets', () => {
  it('are in no text that goes out', () => {
    const text = 'ada: correct horse, battery staple, -----BEGIN PRIVATE KEY-----'
    assert.equal(redactor(OPTIONS)(text), 'ada: ***, ***, ***')
  })

  it('are in no error, whatever was thrown', () => {
    const translate = transportErrors(OPTIONS)
    for (const thrown of [
      new Error('failed with correct horse'),
      Object.assign(new Error('battery staple'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
      Object.assign(new Error('correct horse'), { name: 'KafkaJSSASLAuthenticationError' }),
    ]) {
      const error = translate(thrown, 'localhost:9092')
      const all = `${error.stack} ${JSON.stringify(error)} ${error.cause}`
      assert.doesNotMatch(all, /correct horse|battery staple/)
    }
  })
})

describe('a failure of a connection', () => {
  const translate = transportErrors({ brokers: [] })
  const codeOf = (message: string, fields: object = {}): string =>
    translate(Object.assign(new Error(message), fields), 'b:1').code

  it('is one of certificates, of credentials, or one that passes', () => {
    const cause = { code: 'SELF_SIGNED_CERT_IN_CHAIN' }
    assert.equal(codeOf('Connection error', { cause }), 'E_TLS')
    assert.equal(codeOf('Connection error', { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }), 'E_TLS')
    assert.equal(
      codeOf('Client network socket disconnected before secure TLS connection was established'),
      'E_TLS',
    )
    assert.equal(codeOf('refused', { name: 'KafkaJSSASLAuthenticationError' }), 'E_AUTH')
    assert.equal(codeOf('no', { type: 'UNSUPPORTED_SASL_MECHANISM' }), 'E_AUTH')
    assert.equal(
      codeOf('Closed connection', { name: 'KafkaJSConnectionClosedError' }),
      'E_BROKER_UNREACHABLE',
    )
    assert.equal(codeOf('connect ECONNREFUSED', { code: 'ECONNREFUSED' }), 'E_BROKER_UNREACHABLE')
  })
})
