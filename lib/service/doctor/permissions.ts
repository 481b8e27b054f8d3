import type { GroupAdmin } from '../../brokers/kafka/group/group-admin.js'
import type { KafkaClient } from '../../brokers/kafka/kafka-client.js'
import type { Operation } from '../../brokers/kafka/wire/authorized.js'
import { kafkaErrorCode } from '../../brokers/kafka/wire/error-codes.js'
import { permissionsRequest } from '../../brokers/kafka/wire/permissions.js'
import { RevlogError } from '../../core/errors.js'
import { type Check, failed, note, ok } from './check.js'

/** What an application does with a topic. */
export interface TopicUse {
  readonly name: string
  readonly needs: readonly Operation[]
  /** It makes the topic itself when it is not there. */
  readonly makes: boolean
}

/** What we are allowed to do, as the brokers tell it: nothing is tried. */
export async function checkPermissions(
  client: KafkaClient,
  uses: readonly TopicUse[],
  group: GroupAdmin,
  application: string,
  exactlyOnce: boolean,
): Promise<readonly Check[]> {
  const checks: Check[] = []
  const { topics, cluster } = await client.ask(permissionsRequest(uses.map(({ name }) => name)))
  const found = new Map(topics.map((topic) => [topic.name, topic]))
  for (const { name, needs, makes } of uses) {
    const { errorCode = 0, operations } = found.get(name) ?? {}
    const answer = kafkaErrorCode(errorCode).name
    if (answer === 'TOPIC_AUTHORIZATION_FAILED') {
      checks.push(denied(`topic ${name}`, ['DESCRIBE', ...needs.filter((need) => need !== 'DESCRIBE')]))
    } else if (errorCode === 0 && operations !== undefined) {
      const lacks = needs.filter((need) => !operations.has(need))
      if (lacks.length > 0) checks.push(denied(`topic ${name}`, lacks))
    } else if (errorCode !== 0 && makes && cluster?.has('CREATE') === false) {
      checks.push({
        area: 'permissions',
        severity: 'warning',
        code: 'E_AUTHORIZATION',
        said: `topic ${name} is made at the first start, and CREATE on the cluster is not allowed`,
        remedy: `allow CREATE on topics that begin with ${application}-, unless it is allowed already: a broker does not tell it of a topic that is not there`,
      })
    }
  }
  try {
    const { operations } = await group.describe()
    if (operations?.has('READ') === false) checks.push(denied(`group ${application}`, ['READ']))
  } catch (thrown) {
    const refused = thrown instanceof RevlogError && thrown.code === 'E_AUTHORIZATION'
    checks.push(refused ? denied(`group ${application}`, ['READ']) : failed('permissions', thrown))
  }
  if (checks.length === 0) {
    checks.push(
      ok('permissions', `all that is needed on ${uses.length} topics and group ${application} is allowed`),
    )
  }
  if (exactlyOnce) {
    const ids = `transactional ids that begin with ${application}-`
    checks.push(note('permissions', `whether WRITE on ${ids} is allowed cannot be found out without writing`))
  }
  return checks
}

const denied = (what: string, operations: readonly Operation[]): Check => ({
  area: 'permissions',
  severity: 'error',
  code: 'E_AUTHORIZATION',
  said: `${operations.join(', ')} on ${what} is not allowed`,
  remedy: `allow it: kafka-acls.sh --add --allow-principal User:… ${operations.map((one) => `--operation ${one}`).join(' ')} --${what}`,
})
