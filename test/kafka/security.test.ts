import assert from 'node:assert/strict'
import kafkajs from 'kafkajs'
import { type OpenKafkaBroker, openKafkaBroker } from '../../lib/brokers/kafka/broker.js'
import { record } from '../brokers/support.js'
import { type Ended, lines, strangersFolder } from '../cli/revlog.js'
import { createRawTopic, withAdmin } from './admin.js'
import type { Secured } from './broker.js'
import { makeShopTopics, ORDERS, rows, SHOP } from './shop.js'
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
    assert.rejects(openKafkaBroker(options), (error: Error) => {
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
    await refused('E_BROKER_UNREACHABLE', { brokers: [secured.saslAddress], startTimeoutMs: 1_000 })
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

  it('runs a topology as a member, and no word of the password is ever said', async () => {
    const folder = strangersFolder()
    try {
      const name = kafka().name('shop')
      folder.write('shop.js', SHOP(name))
      folder.write('orders.csv', ORDERS)
      folder.write('ca.pem', secured.ca)
      folder.write('password', `${secured.password}\n`)
      await makeShopTopics(kafka().address, name, 2)
      const said: string[] = []
      const revlog = async (words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> => {
        const ended = await folder.revlog(words, '', env)
        said.push(ended.out, ended.err)
        return ended
      }
      const login = (user: string): string[] => [
        ...['--brokers', secured.saslAddress, '--tls-ca', 'ca.pem'],
        ...['--sasl-mechanism', 'scram-sha-256', '--sasl-username', user],
      ]
      const admin = [...login('admin'), '--sasl-password-file', 'password']
      const run = ['run', 'shop.js', '--from', `${name}-orders=orders.csv`, '--table', `${name}-totals`]
      for (const guarantee of ['at_least_once', 'exactly_once']) {
        const { code, out, err } = await revlog([...run, '--guarantee', guarantee, ...admin])
        assert.deepEqual([code, rows(out).length], [0, 2], err)
      }
      const lag = await revlog(['lag', 'shop.js', ...login('admin')], {
        REVLOG_SASL_PASSWORD: secured.password,
      })
      assert.match(lag.out, /: 0 offsets behind/)
      const wrong = await revlog([...run, ...login('admin')], { REVLOG_SASL_PASSWORD: 'not the password' })
      assert.deepEqual([wrong.code, /E_AUTH: /.test(wrong.err)], [1, true], wrong.err)
      const stranger = await revlog([
        'run',
        'shop.js',
        ...login('nobody'),
        '--sasl-password-file',
        'password',
      ])
      assert.deepEqual(
        [stranger.code, /E_AUTHORIZATION: .*orders/.test(stranger.err)],
        [1, true],
        stranger.err,
      )
      const reset = await revlog(['reset', 'shop.js', '--yes', ...admin])
      assert.equal(reset.code, 0, reset.err)
      const verbose = await revlog(['doctor', 'shop.js', ...admin], { KAFKAJS_LOG_LEVEL: 'debug' })
      assert.equal(verbose.code, 0, verbose.out)
      for (const text of said) {
        assert.ok(!text.includes(secured.password), text)
        assert.ok(!text.includes('not the password'), text)
      }
    } finally {
      await folder.remove()
    }
  })

  it('says what a user may not do before it tries', async () => {
    const folder = strangersFolder()
    try {
      const name = kafka().name('shop')
      folder.write('shop.js', SHOP(name))
      folder.write('ca.pem', secured.ca)
      folder.write('password', secured.password)
      await makeShopTopics(kafka().address, name, 2)
      const doctor = async (): Promise<readonly string[]> => {
        const login = ['--sasl-mechanism', 'scram-sha-256', '--sasl-username', 'nobody']
        const secrets = ['--tls-ca', 'ca.pem', '--sasl-password-file', 'password']
        const words = ['doctor', 'shop.js', '--json', '--brokers', secured.saslAddress]
        const { code, out } = await folder.revlog([...words, ...login, ...secrets])
        const denied = lines(out).filter(
          ({ severity, area }) => severity === 'error' && area === 'permissions',
        )
        assert.equal(code, denied.length > 0 ? 1 : 0, out)
        return denied.map(({ said }) => said.replaceAll(name, 'shop'))
      }
      assert.deepEqual(await doctor(), [
        'DESCRIBE, READ, DESCRIBE_CONFIGS on topic shop-orders is not allowed',
        'DESCRIBE, WRITE, DESCRIBE_CONFIGS on topic shop-totals is not allowed',
        'READ on group shop is not allowed',
      ])
      await allow(kafka().address, [
        ...['READ', 'DESCRIBE_CONFIGS'].map((operation) => ({ operation, topic: `${name}-orders` })),
        ...['READ', 'DESCRIBE_CONFIGS'].map((operation) => ({ operation, topic: `${name}-totals` })),
        { operation: 'READ', group: name },
      ])
      assert.deepEqual(await doctor(), [
        'WRITE on topic shop-totals is not allowed',
        'DESCRIBE, READ, WRITE, DESCRIBE_CONFIGS on topic shop-total-changelog is not allowed',
      ])
    } finally {
      await folder.remove()
    }
  })
})

/** Lets the user `nobody` do something. */
async function allow(
  address: string,
  rights: readonly { readonly operation: string; readonly topic?: string; readonly group?: string }[],
): Promise<void> {
  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
  await withAdmin(address, (admin) =>
    admin.createAcls({
      acl: rights.map(({ operation, topic, group }) => ({
        resourceType: topic === undefined ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC,
        resourceName: (topic ?? group)!,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: 'User:nobody',
        host: '*',
        operation: AclOperationTypes[operation as 'READ'],
        permissionType: AclPermissionTypes.ALLOW,
      })),
    }),
  )
}
