import { RevlogError } from '../core/errors.js'
import type { TimerState } from './punctuation.js'

/** What a commit stores beside the rows, so that state and position can never disagree. */
export interface TaskMetadata {
  /** Next offset to be processed, by topic. */
  readonly positions: { readonly [topic: string]: number }
  readonly streamTime: number
  readonly timers: TimerState
  readonly generation: number
  /** The greatest number taken from each sender of a repartition topic, by topic; see `core/outbox-header.ts`. */
  readonly received?: { readonly [topic: string]: { readonly [sender: string]: number } }
  /** Fingerprint of each store, by name. */
  readonly stores: { readonly [store: string]: string }
}

const FORMAT = 1

export function encodeMetadata(metadata: TaskMetadata): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...metadata }))
}

export function decodeMetadata(bytes: Buffer): TaskMetadata {
  const { format, ...metadata } = JSON.parse(bytes.toString()) as TaskMetadata & { format: number }
  if (format !== FORMAT) {
    throw new RevlogError('E_STATE_FORMAT', `the state has format ${format}, this version reads ${FORMAT}`, {
      remedy: 'use the version of revlog that wrote it, or wipe the state and restore it from the changelog',
    })
  }
  return metadata
}
