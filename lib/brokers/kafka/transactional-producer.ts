import { RevlogError } from '../../core/errors.js'
import { askCoordinator, placeKey } from './ask-leaders.js'
import type { Cluster } from './cluster.js'
import { firstError } from './group-offsets.js'
import type { CallOptions, TransactionalProducer, TransactionalProducerOptions } from './kafka-client.js'
import { createOneAtATime } from './one-at-a-time.js'
import { createSender, type Outbound } from './sender.js'
import { kafkaError } from './wire/error-codes.js'
import { txnOffsetCommitRequest } from './wire/offsets.js'
import type { Request } from './wire/request.js'
import {
  addOffsetsToTxnRequest,
  addPartitionsToTxnRequest,
  endTxnRequest,
  initProducerIdRequest,
} from './wire/transactions.js'

export async function createTransactionalProducer(
  cluster: Cluster,
  options: TransactionalProducerOptions,
): Promise<TransactionalProducer> {
  const { transactionalId, transactionTimeoutMs } = options

  /** Asks the coordinator of the transactional id. */
  const ask = <Answer>(
    request: Request<Answer>,
    errorCodeOf: (answer: Answer) => number,
    what: string,
    call: CallOptions,
  ): Promise<Answer> =>
    cluster.retry(call, (signal) =>
      askCoordinator(
        cluster,
        'transaction',
        transactionalId,
        request,
        errorCodeOf,
        (errorCode) => kafkaError(errorCode, `transactional id ${transactionalId}: ${what}`),
        signal,
      ),
    )

  const { producerId, producerEpoch } = await ask(
    initProducerIdRequest(transactionalId, transactionTimeoutMs),
    ({ errorCode }) => errorCode,
    'no producer id',
    options,
  )
  const owner = { transactionalId, producerId, producerEpoch }
  const sender = createSender(cluster, owner, options)
  const calls = createOneAtATime()
  let open = false
  /** What the coordinator knows to be in the transaction. */
  const added = new Set<string>()

  const addPartitions = async (round: readonly Outbound[], call: CallOptions): Promise<void> => {
    const missing = round.filter((outbound) => !added.has(placeKey(outbound)))
    if (missing.length === 0) return
    await ask(
      addPartitionsToTxnRequest(owner, missing),
      firstFailure,
      'partitions cannot join the transaction',
      call,
    )
    for (const outbound of missing) added.add(placeKey(outbound))
  }

  const inTransaction = (): void => {
    if (open) return
    throw new RevlogError('E_TRANSACTION_STATE', `${transactionalId} has no transaction`, {
      remedy: 'call begin() first',
    })
  }

  const end = (commit: boolean, call: CallOptions): Promise<void> =>
    calls.run(async () => {
      // A coordinator refuses to end what it has never heard of.
      if (added.size > 0) {
        const what = commit ? 'it is not known whether the transaction was committed' : 'it cannot be aborted'
        await ask(endTxnRequest(owner, commit), (errorCode) => errorCode, what, call)
      }
      added.clear()
      open = false
    })

  return Object.freeze({
    transactionalId,
    producerId,
    producerEpoch,
    get spent() {
      return calls.spent
    },
    begin() {
      if (open) {
        throw new RevlogError('E_TRANSACTION_STATE', `${transactionalId} has a transaction already`, {
          remedy: 'commit or abort it first',
        })
      }
      open = true
    },
    async send(records, call = {}) {
      inTransaction()
      const outbounds = sender.group(records)
      return calls.run(() => sender.send(outbounds, call, (round) => addPartitions(round, call)))
    },
    async sendOffsets(member, offsets, call = {}) {
      inTransaction()
      const { group } = member
      await calls.run(async () => {
        const key = `group ${group}`
        if (!added.has(key)) {
          const what = `the offsets of group ${group} cannot join the transaction`
          await ask(addOffsetsToTxnRequest(owner, group), (errorCode) => errorCode, what, call)
          added.add(key)
        }
        const request = txnOffsetCommitRequest(transactionalId, producerId, producerEpoch, member, offsets)
        await cluster.retry(call, (signal) =>
          askCoordinator(
            cluster,
            'group',
            group,
            request,
            firstError,
            (errorCode) => kafkaError(errorCode, `group ${group} does not take the offsets`),
            signal,
          ),
        )
      })
    },
    async commit(call = {}) {
      inTransaction()
      await end(true, call)
    },
    async abort(call = {}) {
      inTransaction()
      await end(false, call)
    },
  } satisfies TransactionalProducer)
}

const OPERATION_NOT_ATTEMPTED = 55

/** Partitions that are fine are "not attempted" when another one is not; that one has the reason. */
const firstFailure = (results: Parameters<typeof firstError>[0]): number =>
  firstError(results.filter(({ errorCode }) => errorCode !== OPERATION_NOT_ATTEMPTED)) || firstError(results)
