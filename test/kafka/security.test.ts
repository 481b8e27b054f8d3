import assert from 'node:assert/strict'
import { type OpenKafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { record } from '../brokers/support.js'
import { strangersFolder } from '../cli/revlog.js'
import { createRawTopic } from './admin.js'
import type { Secured } from './broker.js'
import { describeOwnKafka } from './suite.js'

describeOwnKafka('Apache Kafka with TLS, SCRAM and access rules', { secure: true, proxies: 0 }, (kafka) => {
  let secured: Secured
  before(function () {
    const found = kafka().secured
    if (found === undefined) {
      console.log('    skipped: there is no openssl in the PATH to make certificates.')
      return this.skip()
    }
    secured = found
  })

  const as = (username: string, password = secured.password): OpenKafkaBroker => ({
    brokers: [secured.saslAddress],
    ssl: { ca: [secured.ca] },
    sasl: { mechanism: 'scram-sha-256', username, password },
  })
  const refused = (code: string, options: OpenKafkaBroker) =>
    assert.rejects(openKafkaBroker({ startTimeoutMs: 1_000, ...options }), (error: Error) => {
      assert.match(error.message, new RegExp(`^${code}: `))
      assert.match(error.message, new RegExp(options.brokers[0]!))
      assert.doesNotMatch(error.message, new RegExp(`${secured.password}|wrong password`))
      return true
    })

  it('serves a user with a password, and a client with a certificate', async () => {
    const { mutualAddress, ca, clientCertificate: cert, clientKey: key } = secured
    for (const options of [as('admin'), { brokers: [mutualAddress], ssl: { ca: [ca], cert, key } }]) {
      const broker = await openKafkaBroker(options)
      const topic = kafka().name('t')
      await broker.createTopic({ name: topic, partitions: 1, config: { cleanupPolicy: 'delete' } })
      await broker.produce([record(topic, { value: Buffer.from('v') })])
      const { records } = await broker.fetch({ topic, partition: 0, offset: 0 })
      assert.deepEqual(
        records.map(({ value }) => String(value)),
        ['v'],
      )
      await broker.close()
    }
  })

  it('refuses wrong credentials and unknown certificates, without repeating them', async () => {
    await refused('E_AUTH', as('admin', 'wrong password'))
    await refused('E_AUTH', as('stranger'))
    await refused('E_TLS', { ...as('admin'), ssl: true })
    await refused('E_TLS', { ...as('admin'), brokers: [kafka().address] })
    await refused('E_BROKER_UNREACHABLE', { brokers: [secured.saslAddress] })
  })

  it('says which topic a user may not use', async () => {
    const topic = kafka().name('t')
    await createRawTopic(kafka().address, topic, {})
    const broker = await openKafkaBroker(as('nobody'))
    const denied = (error: Error): boolean => {
      assert.match(error.message, new RegExp(`^E_AUTHORIZATION: .*${topic}`))
      return true
    }
    const at = { topic, partition: 0, offset: 0 }
    await assert.rejects(broker.describeTopic(topic), denied)
    await assert.rejects(broker.fetch(at), denied)
    await assert.rejects(broker.waitForData([at], 0), denied)
    await assert.rejects(broker.produce([record(topic)]), denied)
    const config = { cleanupPolicy: 'delete' } as const
    await assert.rejects(broker.createTopic({ name: `${topic}-2`, partitions: 1, config }), denied)
    assert.deepEqual(await broker.listTopics(), [])
    await broker.close()
  })

  it('serves the command, with certificates and passwords from files and from the environment', async () => {
    const folder = strangersFolder()
    try {
      const env = {
        REVLOG_BROKERS: secured.saslAddress,
        REVLOG_TLS_CA_FILE: folder.write('ca.pem', secured.ca),
        REVLOG_SASL_MECHANISM: 'SCRAM-SHA-256',
        REVLOG_SASL_USERNAME: 'admin',
      }
      const password = { REVLOG_SASL_PASSWORD_FILE: folder.write('password', `${secured.password}\n`) }
      const topic = kafka().name('t')
      const produce = ['produce', topic, '--partitions', '1']
      const produced = await folder.revlog(produce, '{"key":"k","value":1}', { ...env, ...password })
      assert.equal(produced.code, 0, produced.err)
      const wrong = { ...env, REVLOG_SASL_PASSWORD: 'not the password' }
      const refused = await folder.revlog(['consume', topic], '', wrong)
      assert.match(refused.err, /E_AUTH: /)
      assert.doesNotMatch(refused.err, /not the password/)
      for (const [variables, said] of [
        [env, /REVLOG_SASL_PASSWORD is missing/],
        [{ ...env, ...password, REVLOG_SASL_MECHANISM: 'md5' }, /REVLOG_SASL_MECHANISM cannot be md5/],
        [{ ...env, REVLOG_TLS_CA_FILE: 'absent' }, /REVLOG_TLS_CA_FILE names a file that cannot be read/],
        [{ REVLOG_BROKERS: secured.saslAddress, REVLOG_TLS: 'yes' }, /REVLOG_TLS cannot be yes/],
      ] as const) {
        const { code, err } = await folder.revlog(['consume', topic], '', variables)
        assert.equal(code, 1)
        assert.match(err, said)
      }
    } finally {
      await folder.remove()
    }
  })
})
