import { RevlogError } from '../../core/errors.js'
import { keyCodec } from '../../serdes/key-codec.js'
import { string } from '../../serdes/primitives.js'
import { type Serde, trusted } from '../../serdes/serde.js'
import { processorNode, type StreamNode } from '../../topology/node.js'
import { originsOf } from '../../topology/origins.js'
import { placeOf } from '../../topology/place.js'
import type { StreamShape, TableShape } from '../../topology/stream.js'
import { requireName, requirePartitioned, requireSerde } from '../place.js'
import { DEFAULT_EQUALS } from './answering.js'
import { createJoin } from './join.js'
import { type AsOfJoinOptions, type How, settingsOf } from './options.js'
import { PACE, type Pace } from './pace.js'
import { RULES, type Rules } from './rules.js'
import { asOfStore } from './state.js'

export type { AsOfJoinOptions, How } from './options.js'

/**
 * For each left event, the version of the right side that was valid at its time. Answers at once, and emits the
 * corrected answer as the next revision when a record that comes later changes it: a table of answers by id.
 *
 * @throws RevlogError `E_STORE_UNNAMED`, `E_NOT_PARTITIONED`, `E_SERDE_UNKNOWN`, `E_AS_OF_JOIN_OPTIONS`;
 *   `E_AMBIGUOUS_SIDE` when the records of a side do not come from one partitioned topic, one by one: then their
 *   offsets would not order the revisions.
 */
export function asOfJoin<K, L, R, Out, H extends How, Id extends string>(
  left: StreamShape<K, L>,
  right: StreamShape<K, R>,
  options: AsOfJoinOptions<K, L, R, Out, H, Id>,
  rules: Rules = RULES,
  pace: Pace = PACE,
): TableShape<Id, Out> {
  const operator = 'asOfJoin'
  const name = requireName(operator, options.name, left.node)
  const settings = settingsOf(options)
  for (const side of [left, right]) requirePartitioned(operator, name, side)
  requireOneTopic(name, 'left', left.node)
  requireOneTopic(name, 'right', right.node)
  const origin = originsOf(left.node).first()
  if (options.id === undefined && origin?.kind === 'repartition') {
    throw new RevlogError(
      'E_ID_REQUIRED',
      `${placeOf(operator, name, left.node)} reads a repartition topic and has no id`,
      {
        remedy: 'give an id: offsets of a repartition topic are not those of the events, and may change',
      },
    )
  }
  const leftKey = requireSerde('key', left.key, operator, name, left.node)
  const rightKey = requireSerde('key', right.key, operator, name, right.node)
  const leftValue = requireSerde('value', left.value, operator, name, left.node)
  const rightValue = requireSerde('value', right.value, operator, name, right.node)
  const idKey = options.idKey ?? (string() as Serde<any> as Serde<Id>)
  const store = asOfStore(
    name,
    `as-of(${leftKey.name}, ${leftValue.name}, ${rightValue.name}, ${options.id === undefined ? 'offset' : idKey.name})`,
  )
  const node = processorNode({
    operator,
    prefix: 'KSTREAM-ASOFJOIN',
    name,
    parents: [left.node, right.node],
    stores: [store],
    copartitioned: true,
    historyMs: settings.grace,
    create: (context) =>
      createJoin(context, context.store(store)(settings, rules, pace), {
        settings,
        rules,
        leftKeys: keyCodec(leftKey as Serde<unknown>),
        rightKeys: keyCodec(rightKey as Serde<unknown>),
        leftValues: trusted(leftValue) as Serde<unknown>,
        rightValues: trusted(rightValue) as Serde<unknown>,
        ids: keyCodec(idKey as Serde<any>),
        join: options.join as (left: unknown, right: unknown, key: unknown) => unknown,
        id: options.id as ((left: unknown, key: unknown) => string) | undefined,
        sequence: options.sequence as ((right: unknown) => number) | undefined,
        equals: options.equals ?? DEFAULT_EQUALS,
        leftTopic: origin?.kind === 'source' ? origin.topic.name : '',
      }),
  })
  return { node, key: idKey, value: options.value, partitioned: false, lookup: undefined }
}

/** A revision is a left offset and a right position: each side needs one log whose offsets these are. */
function requireOneTopic(name: string, side: 'left' | 'right', node: StreamNode): void {
  const refuse = (problem: string): never => {
    throw new RevlogError(
      'E_AMBIGUOUS_SIDE',
      `the ${side} side of asOfJoin '${name}' ${problem}, so revisions of its answers could not be compared`,
      {
        at: { operator: name },
        remedy: `put .repartition({ name: '...' }) before it: its records then come from one topic, each with an offset of its own`,
      },
    )
  }
  const origins = originsOf(node).map((origin) =>
    origin.kind === 'source' ? origin.topic.name : origin.name,
  )
  if (origins.size !== 1) refuse(`comes from several topics (${origins.join(', ')})`)
  for (const step of stepsOf(node)) {
    if (step.yields === 'detached')
      refuse(`passes ${step.operator}, which can emit records that belong to no input record`)
    if (step.yields === 'many' && side === 'right')
      refuse(`passes ${step.operator}, which can make several versions of one record`)
    if (step.parents.length > 1) refuse(`passes ${step.operator}, which has several inputs`)
  }
}

/** The processors between a node and its topic. */
function* stepsOf(node: StreamNode): Generator<Extract<StreamNode, { kind: 'processor' }>> {
  if (node.kind !== 'processor') return
  yield node
  for (const parent of node.parents) yield* stepsOf(parent)
}
