import { RevlogError } from '../../../core/errors.js'

/** Kafka's error codes that a member of a group meets. */
export const NONE = 0
export const MEMBER_ID_REQUIRED = 79
export const REBALANCE_IN_PROGRESS = 27

/** What an answer means for a member. */
export type Meaning =
  | 'fine'
  /** The coordinator is somewhere else, or not there yet: look for it and ask again. */
  | 'elsewhere'
  /** The group distributes its tasks anew. */
  | 'rebalance'
  /** The group has gone on without us. */
  | 'expelled'
  /** Nothing that comes again will change it. */
  | 'fatal'

const ELSEWHERE = [
  -1, // UNKNOWN_SERVER_ERROR: the broker's own trouble, which passes
  7, // REQUEST_TIMED_OUT
  13, // NETWORK_EXCEPTION
  14, // COORDINATOR_LOAD_IN_PROGRESS
  15, // COORDINATOR_NOT_AVAILABLE
  16, // NOT_COORDINATOR
  19, // NOT_ENOUGH_REPLICAS of the offsets topic
  20, // NOT_ENOUGH_REPLICAS_AFTER_APPEND
  56, // KAFKA_STORAGE_ERROR
  88, // UNSTABLE_OFFSET_COMMIT
]
const EXPELLED = [
  22, // ILLEGAL_GENERATION
  25, // UNKNOWN_MEMBER_ID
]

export function meaningOf(code: number): Meaning {
  if (code === NONE) return 'fine'
  if (code === REBALANCE_IN_PROGRESS) return 'rebalance'
  if (ELSEWHERE.includes(code)) return 'elsewhere'
  if (EXPELLED.includes(code)) return 'expelled'
  return 'fatal'
}

/** A `fatal` code as the error that ends the membership, or refuses the commit. */
export function fatalError(code: number, groupId: string, topic?: string): RevlogError {
  switch (code) {
    case 3:
      return new RevlogError('E_TOPIC_UNKNOWN', 'the topic is not there', topicAt(topic))
    case 12:
    case 28:
      return new RevlogError('E_COMMIT_REFUSED', 'the metadata of an offset is too large', topicAt(topic))
    case 23:
      return new RevlogError(
        'E_GROUP_FOREIGN_MEMBER',
        `group ${groupId} has members that speak another protocol than revlog`,
        {
          remedy:
            'give this application a group of its own, or stop what uses the group (kafka-consumer-groups --describe --members)',
        },
      )
    case 26:
      return new RevlogError(
        'E_SESSION_TIMEOUT',
        `the broker refuses the session timeout of group ${groupId}`,
        {
          remedy:
            "choose one between the broker's group.min.session.timeout.ms (6000) and group.max.session.timeout.ms",
        },
      )
    case 29:
      return new RevlogError('E_AUTHORIZATION', `the principal may not read the topic`, {
        ...topicAt(topic),
        remedy: 'allow READ on the topic',
      })
    case 30:
      return new RevlogError('E_AUTHORIZATION', `the principal may not use group ${groupId}`, {
        remedy: 'allow READ on the group',
      })
    case 35:
      return new RevlogError('E_BROKER_VERSION', 'the broker does not speak this group protocol', {
        remedy: 'run Apache Kafka 2.3 or newer',
      })
    case 81:
      return new RevlogError('E_GROUP_FULL', `group ${groupId} has as many members as the broker allows`, {
        remedy: "run fewer members, or raise the broker's group.max.size",
      })
    case 82:
      return new RevlogError(
        'E_GROUP_FENCED',
        `another process has joined group ${groupId} under our instance id`,
        { remedy: 'give every process an instance id of its own' },
      )
    default:
      return new RevlogError('E_GROUP_REFUSED', `group ${groupId} is answered with Kafka's error ${code}`)
  }
}

const topicAt = (topic: string | undefined) => (topic === undefined ? {} : { at: { topic } })
