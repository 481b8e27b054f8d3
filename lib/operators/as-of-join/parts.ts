import type { KeyCodec } from '../../serdes/key-codec.js'
import type { Serde } from '../../serdes/serde.js'
import type { Settings } from './options.js'
import type { Rules } from './rules.js'

/** Everything that a task's join is made of. */
export interface JoinParts {
  readonly settings: Settings
  readonly rules: Rules
  readonly leftKeys: KeyCodec<unknown>
  readonly rightKeys: KeyCodec<unknown>
  readonly leftValues: Serde<unknown>
  readonly rightValues: Serde<unknown>
  readonly ids: KeyCodec<string>
  readonly join: (left: unknown, right: unknown, key: unknown) => unknown
  readonly id: ((left: unknown, key: unknown) => string) | undefined
  readonly sequence: ((right: unknown) => number) | undefined
  readonly equals: (a: any, b: any) => boolean
  /** Names the answers of events without an id. */
  readonly leftTopic: string
}
