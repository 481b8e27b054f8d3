import { type Coordinates, RevlogError } from '../../../core/errors.js'

/**
 * What Kafka's error codes mean, as `org.apache.kafka.common.protocol.Errors` of Kafka 4.1 has them. kafkajs knows the
 * codes up to 88 only, without those that fence a producer.
 */
export interface KafkaErrorCode {
  readonly code: number
  readonly name: string
  /** Whether the same request may succeed later. */
  readonly retriable: boolean
  /** Whether it may succeed at another broker: who leads a partition has to be asked again. */
  readonly staleMetadata: boolean
}

type Row = readonly [code: number, name: string, kind?: 'passing' | 'refresh']

// biome-ignore format: one line for each code
const ROWS: readonly Row[] = [
  [-1, 'UNKNOWN_SERVER_ERROR'],
  [1, 'OFFSET_OUT_OF_RANGE'],
  [2, 'CORRUPT_MESSAGE', 'passing'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION', 'refresh'],
  [4, 'INVALID_FETCH_SIZE'],
  [5, 'LEADER_NOT_AVAILABLE', 'refresh'],
  [6, 'NOT_LEADER_OR_FOLLOWER', 'refresh'],
  [7, 'REQUEST_TIMED_OUT', 'passing'],
  [8, 'BROKER_NOT_AVAILABLE'],
  [9, 'REPLICA_NOT_AVAILABLE', 'refresh'],
  [10, 'MESSAGE_TOO_LARGE'],
  [11, 'STALE_CONTROLLER_EPOCH'],
  [12, 'OFFSET_METADATA_TOO_LARGE'],
  [13, 'NETWORK_EXCEPTION', 'refresh'],
  [14, 'COORDINATOR_LOAD_IN_PROGRESS', 'passing'],
  [15, 'COORDINATOR_NOT_AVAILABLE', 'passing'],
  [16, 'NOT_COORDINATOR', 'passing'],
  [17, 'INVALID_TOPIC_EXCEPTION'],
  [18, 'RECORD_LIST_TOO_LARGE'],
  [19, 'NOT_ENOUGH_REPLICAS', 'passing'],
  [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'passing'],
  [21, 'INVALID_REQUIRED_ACKS'],
  [22, 'ILLEGAL_GENERATION'],
  [23, 'INCONSISTENT_GROUP_PROTOCOL'],
  [24, 'INVALID_GROUP_ID'],
  [25, 'UNKNOWN_MEMBER_ID'],
  [26, 'INVALID_SESSION_TIMEOUT'],
  [27, 'REBALANCE_IN_PROGRESS'],
  [28, 'INVALID_COMMIT_OFFSET_SIZE'],
  [29, 'TOPIC_AUTHORIZATION_FAILED'],
  [30, 'GROUP_AUTHORIZATION_FAILED'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED'],
  [32, 'INVALID_TIMESTAMP'],
  [33, 'UNSUPPORTED_SASL_MECHANISM'],
  [34, 'ILLEGAL_SASL_STATE'],
  [35, 'UNSUPPORTED_VERSION'],
  [36, 'TOPIC_ALREADY_EXISTS'],
  [37, 'INVALID_PARTITIONS'],
  [38, 'INVALID_REPLICATION_FACTOR'],
  [39, 'INVALID_REPLICA_ASSIGNMENT'],
  [40, 'INVALID_CONFIG'],
  [41, 'NOT_CONTROLLER', 'passing'],
  [42, 'INVALID_REQUEST'],
  [43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
  [44, 'POLICY_VIOLATION'],
  [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  [46, 'DUPLICATE_SEQUENCE_NUMBER'],
  [47, 'INVALID_PRODUCER_EPOCH'],
  [48, 'INVALID_TXN_STATE'],
  [49, 'INVALID_PRODUCER_ID_MAPPING'],
  [50, 'INVALID_TRANSACTION_TIMEOUT'],
  [51, 'CONCURRENT_TRANSACTIONS', 'passing'],
  [52, 'TRANSACTION_COORDINATOR_FENCED'],
  [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
  [54, 'SECURITY_DISABLED'],
  [55, 'OPERATION_NOT_ATTEMPTED'],
  [56, 'KAFKA_STORAGE_ERROR', 'refresh'],
  [57, 'LOG_DIR_NOT_FOUND'],
  [58, 'SASL_AUTHENTICATION_FAILED'],
  [59, 'UNKNOWN_PRODUCER_ID'],
  [60, 'REASSIGNMENT_IN_PROGRESS'],
  [61, 'DELEGATION_TOKEN_AUTH_DISABLED'],
  [62, 'DELEGATION_TOKEN_NOT_FOUND'],
  [63, 'DELEGATION_TOKEN_OWNER_MISMATCH'],
  [64, 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'],
  [65, 'DELEGATION_TOKEN_AUTHORIZATION_FAILED'],
  [66, 'DELEGATION_TOKEN_EXPIRED'],
  [67, 'INVALID_PRINCIPAL_TYPE'],
  [68, 'NON_EMPTY_GROUP'],
  [69, 'GROUP_ID_NOT_FOUND'],
  [70, 'FETCH_SESSION_ID_NOT_FOUND', 'passing'],
  [71, 'INVALID_FETCH_SESSION_EPOCH', 'passing'],
  [72, 'LISTENER_NOT_FOUND', 'refresh'],
  [73, 'TOPIC_DELETION_DISABLED'],
  [74, 'FENCED_LEADER_EPOCH', 'refresh'],
  [75, 'UNKNOWN_LEADER_EPOCH', 'passing'],
  [76, 'UNSUPPORTED_COMPRESSION_TYPE'],
  [77, 'STALE_BROKER_EPOCH'],
  [78, 'OFFSET_NOT_AVAILABLE', 'passing'],
  [79, 'MEMBER_ID_REQUIRED'],
  [80, 'PREFERRED_LEADER_NOT_AVAILABLE', 'refresh'],
  [81, 'GROUP_MAX_SIZE_REACHED'],
  [82, 'FENCED_INSTANCE_ID'],
  [83, 'ELIGIBLE_LEADERS_NOT_AVAILABLE', 'refresh'],
  [84, 'ELECTION_NOT_NEEDED', 'refresh'],
  [85, 'NO_REASSIGNMENT_IN_PROGRESS'],
  [86, 'GROUP_SUBSCRIBED_TO_TOPIC'],
  [87, 'INVALID_RECORD'],
  [88, 'UNSTABLE_OFFSET_COMMIT', 'passing'],
  [89, 'THROTTLING_QUOTA_EXCEEDED', 'passing'],
  [90, 'PRODUCER_FENCED'],
  [91, 'RESOURCE_NOT_FOUND'],
  [92, 'DUPLICATE_RESOURCE'],
  [93, 'UNACCEPTABLE_CREDENTIAL'],
  [94, 'INCONSISTENT_VOTER_SET'],
  [95, 'INVALID_UPDATE_VERSION'],
  [96, 'FEATURE_UPDATE_FAILED'],
  [97, 'PRINCIPAL_DESERIALIZATION_FAILURE'],
  [98, 'SNAPSHOT_NOT_FOUND'],
  [99, 'POSITION_OUT_OF_RANGE'],
  [100, 'UNKNOWN_TOPIC_ID', 'refresh'],
  [101, 'DUPLICATE_BROKER_REGISTRATION'],
  [102, 'BROKER_ID_NOT_REGISTERED'],
  [103, 'INCONSISTENT_TOPIC_ID', 'refresh'],
  [104, 'INCONSISTENT_CLUSTER_ID'],
  [105, 'TRANSACTIONAL_ID_NOT_FOUND'],
  [106, 'FETCH_SESSION_TOPIC_ID_ERROR', 'passing'],
  [107, 'INELIGIBLE_REPLICA'],
  [108, 'NEW_LEADER_ELECTED'],
  [109, 'OFFSET_MOVED_TO_TIERED_STORAGE'],
  [110, 'FENCED_MEMBER_EPOCH'],
  [111, 'UNRELEASED_INSTANCE_ID'],
  [112, 'UNSUPPORTED_ASSIGNOR'],
  [113, 'STALE_MEMBER_EPOCH'],
  [114, 'MISMATCHED_ENDPOINT_TYPE'],
  [115, 'UNSUPPORTED_ENDPOINT_TYPE'],
  [116, 'UNKNOWN_CONTROLLER_ID'],
  [117, 'UNKNOWN_SUBSCRIPTION_ID'],
  [118, 'TELEMETRY_TOO_LARGE'],
  [119, 'INVALID_REGISTRATION'],
  [120, 'TRANSACTION_ABORTABLE'],
  [121, 'INVALID_RECORD_STATE'],
  [122, 'SHARE_SESSION_NOT_FOUND', 'passing'],
  [123, 'INVALID_SHARE_SESSION_EPOCH', 'passing'],
  [124, 'FENCED_STATE_EPOCH'],
  [125, 'INVALID_VOTER_KEY'],
  [126, 'DUPLICATE_VOTER'],
  [127, 'VOTER_NOT_FOUND'],
  [128, 'INVALID_REGULAR_EXPRESSION'],
  [129, 'REBOOTSTRAP_REQUIRED'],
  [130, 'STREAMS_INVALID_TOPOLOGY'],
  [131, 'STREAMS_INVALID_TOPOLOGY_EPOCH'],
  [132, 'STREAMS_TOPOLOGY_FENCED'],
  [133, 'SHARE_SESSION_LIMIT_REACHED', 'passing'],
]

const BY_CODE: ReadonlyMap<number, KafkaErrorCode> = new Map(
  ROWS.map(([code, name, kind]) => [
    code,
    Object.freeze({ code, name, retriable: kind !== undefined, staleMetadata: kind === 'refresh' }),
  ]),
)

/** A code that is not in the table is of a newer broker: `UNKNOWN_<code>`, and not worth repeating. */
export function kafkaErrorCode(code: number): KafkaErrorCode {
  return BY_CODE.get(code) ?? { code, name: `UNKNOWN_${code}`, retriable: false, staleMetadata: false }
}

/** Kafka's answers that have a name in all of revlog. */
const CODES: { readonly [name: string]: `E_${string}` } = {
  OFFSET_OUT_OF_RANGE: 'E_OFFSET_OUT_OF_RANGE',
  UNKNOWN_TOPIC_OR_PARTITION: 'E_TOPIC_UNKNOWN',
  UNKNOWN_TOPIC_ID: 'E_TOPIC_UNKNOWN',
  MESSAGE_TOO_LARGE: 'E_RECORD_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'E_RECORD_TOO_LARGE',
  INVALID_TIMESTAMP: 'E_RECORD_TIMESTAMP',
  INVALID_REPLICATION_FACTOR: 'E_TOPIC_REPLICATION',
  TOPIC_AUTHORIZATION_FAILED: 'E_AUTHORIZATION',
  GROUP_AUTHORIZATION_FAILED: 'E_AUTHORIZATION',
  CLUSTER_AUTHORIZATION_FAILED: 'E_AUTHORIZATION',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'E_AUTHORIZATION',
  UNSUPPORTED_SASL_MECHANISM: 'E_AUTH',
  ILLEGAL_SASL_STATE: 'E_AUTH',
  SASL_AUTHENTICATION_FAILED: 'E_AUTH',
}

const REMEDIES: { readonly [name: string]: string } = {
  UNKNOWN_TOPIC_OR_PARTITION: 'create the topic, or allow the client to describe it',
  MESSAGE_TOO_LARGE: 'raise max.message.bytes of the topic, or write smaller records',
  RECORD_LIST_TOO_LARGE: 'raise max.message.bytes of the topic, or write smaller records',
  INVALID_TIMESTAMP:
    'raise message.timestamp.after.max.ms or message.timestamp.before.max.ms of the topic, or correct the event time',
  INVALID_REPLICATION_FACTOR:
    'start as many brokers as a topic is to have copies, or lower default.replication.factor of the brokers',
  TOPIC_AUTHORIZATION_FAILED: 'grant this client READ, WRITE or DESCRIBE on the topic',
  GROUP_AUTHORIZATION_FAILED: 'grant this client READ on the group',
  CLUSTER_AUTHORIZATION_FAILED: 'grant this client IDEMPOTENT_WRITE on the cluster',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'grant this client WRITE and DESCRIBE on the transactional id',
  UNSTABLE_OFFSET_COMMIT:
    'a transaction with offsets of the group is open, and ends with its owner or a minute later; one that stays open was forgotten by the brokers: kafka-transactions.sh find-hanging shows it, abort ends it',
}

/** @param what the sentence so far: `Kafka refused to append` */
export function kafkaError(code: number, what: string, at: Coordinates = {}, detail?: string): RevlogError {
  const answer = kafkaErrorCode(code)
  const remedy = REMEDIES[answer.name]
  return new RevlogError(
    CODES[answer.name] ?? `E_KAFKA_${answer.name}`,
    `${what}: ${answer.name}${detail === undefined || detail === '' ? '' : `, ${detail}`}`,
    { at, cause: answer, ...(remedy === undefined ? {} : { remedy }) },
  )
}

/** What Kafka answered, when an error comes from an answer of Kafka's. */
export function kafkaErrorOf(error: unknown): KafkaErrorCode | undefined {
  const cause = error instanceof RevlogError ? error.cause : undefined
  if (typeof cause !== 'object' || cause === null || !('staleMetadata' in cause)) return undefined
  return cause as KafkaErrorCode
}
