import { AshlarError, type Code } from '../errors.ts'

/** A commit or a move that the group's state forbids. */
export class Refused extends Error {}

interface ClientError {
  code?: string
  apiId?: string
  canRetry?: boolean
  cause?: unknown
  errors?: readonly unknown[]
}

/** An error, what it is made of and what caused it. */
function* partsOf(error: unknown, depth = 0): Generator<ClientError> {
  if (typeof error !== 'object' || error === null || depth > 8) return
  const part = error as ClientError
  yield part
  for (const each of part.errors ?? []) yield* partsOf(each, depth + 1)
  yield* partsOf(part.cause, depth + 1)
}

/** Whether Kafka said one of these (by the names of its protocol). */
export function isOne(error: unknown, ...names: readonly string[]): boolean {
  for (const { apiId } of partsOf(error)) if (apiId !== undefined && names.includes(apiId)) return true
  return false
}

/** The broker asked is not, or no longer, the one to ask. */
export const isStale = (error: unknown) =>
  isOne(
    error,
    'UNKNOWN_TOPIC_OR_PARTITION',
    'UNKNOWN_TOPIC_ID',
    'INCONSISTENT_TOPIC_ID',
    'LEADER_NOT_AVAILABLE',
    'NOT_LEADER_OR_FOLLOWER',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
    'REPLICA_NOT_AVAILABLE',
    'BROKER_NOT_AVAILABLE',
    'OFFSET_NOT_AVAILABLE',
    'KAFKA_STORAGE_ERROR',
  )

/** The group's coordinator is elsewhere, or not ready yet. */
export const isElsewhere = (error: unknown) =>
  isOne(error, 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR')

/** The connection, not the broker, failed. */
export function isNetwork(error: unknown): boolean {
  for (const { code } of partsOf(error)) if (code === 'PLT_KFK_NETWORK' || code === 'PLT_KFK_TIMEOUT') return true
  return error instanceof AshlarError && (error.code === 'timeout' || error.code === 'unavailable')
}

const codes: Record<string, Code> = {
  ILLEGAL_GENERATION: 'conflict',
  UNKNOWN_MEMBER_ID: 'conflict',
  REBALANCE_IN_PROGRESS: 'conflict',
  NON_EMPTY_GROUP: 'conflict',
  TOPIC_AUTHORIZATION_FAILED: 'unauthorized',
  GROUP_AUTHORIZATION_FAILED: 'unauthorized',
  CLUSTER_AUTHORIZATION_FAILED: 'unauthorized',
  SASL_AUTHENTICATION_FAILED: 'unauthorized',
  UNSUPPORTED_SASL_MECHANISM: 'unauthorized',
  ILLEGAL_SASL_STATE: 'unauthorized',
  MESSAGE_TOO_LARGE: 'invalid_argument',
  RECORD_LIST_TOO_LARGE: 'invalid_argument',
  INVALID_TOPIC_EXCEPTION: 'invalid_argument',
  INVALID_REPLICATION_FACTOR: 'invalid_argument',
  INVALID_PARTITIONS: 'invalid_argument',
  INVALID_CONFIG: 'invalid_argument',
  POLICY_VIOLATION: 'invalid_argument',
  INCONSISTENT_GROUP_PROTOCOL: 'conflict',
  GROUP_MAX_SIZE_REACHED: 'exhausted',
  THROTTLING_QUOTA_EXCEEDED: 'exhausted',
  REQUEST_TIMED_OUT: 'timeout',
  UNSUPPORTED_VERSION: 'unsupported',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'unavailable',
  INVALID_PRODUCER_EPOCH: 'unavailable',
}

/** What the client's errors mean. Pure. */
export function codeOf(error: unknown): Code | undefined {
  if (error instanceof Refused) return 'conflict'
  let weaker: Code | undefined
  for (const { apiId, code, canRetry } of partsOf(error)) {
    const known = apiId === undefined ? undefined : codes[apiId]
    if (known) return known
    if (code === 'PLT_KFK_AUTHENTICATION') return 'unauthorized'
    if (code === 'PLT_KFK_UNSUPPORTED_COMPRESSION') return 'unsupported'
    if (code === 'PLT_KFK_TIMEOUT' || code === 'PLT_KFK_NETWORK' || canRetry) weaker ??= 'unavailable'
  }
  return weaker
}
