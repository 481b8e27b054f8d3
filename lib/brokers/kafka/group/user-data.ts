import { RevlogError } from '../../../core/errors.js'
import type { ProtocolReader } from '../wire/protocol-reader.js'
import type { ProtocolWriter } from '../wire/protocol-writer.js'
import { decode, encode } from './encoding.js'
import type { Part, TaskId, WarmTask } from './member.js'

/** What a member tells the leader. */
export interface MemberData {
  readonly application: string
  /** For people. */
  readonly host: string
  readonly threads: number
  readonly parts: readonly Part[]
  /** The last assignment that it had, and in which generation: of two that claim a task the later is right. */
  readonly previous: {
    readonly generation: number
    readonly active: readonly TaskId[]
    readonly standby: readonly TaskId[]
  }
  readonly warm: readonly WarmTask[]
  readonly standbyReplicas: number
  /** Grows when the member asks for a new distribution: the coordinator ignores a join that says nothing new. */
  readonly asked: number
}

/** What the leader tells a member. */
export interface AssignmentData {
  readonly verdict: 'accepted' | 'foreign' | 'unreadable'
  /** Of the member that distributed. */
  readonly application: string
  /** The parts of its tasks, with the fingerprint by which they were given to it. */
  readonly fingerprints: readonly { readonly part: string; readonly fingerprint: string }[]
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
  readonly waiting: readonly string[]
}

/**
 * ```text
 * member      version int8 = 1 | application | host | threads int16 | asked int32 | standby replicas int16
 *             | [part: name | fingerprint | partitions int32 | stateful int8 | [topic | partitions int32]]
 *             | generation int32 | [active] | [standby] | [warm: task | lag int64, -1 when unknown]
 * assignment  version int8 = 1 | verdict int8 | application | [part | fingerprint] | [active] | [standby] | [waiting]
 * ```
 *
 * Texts have 16 bits of length, arrays 32. A later version may append fields to either; one that changes what is here
 * takes another protocol name, so that the coordinator keeps the two apart.
 */
const VERSION = 1

/** More than any real group has; less than what would hold up a leader for long. Lists are as long as their bytes. */
const MAX = { tasks: 100_000, partitions: 100_000, threads: 1_000, replicas: 100 }

export const encodeMember = (data: MemberData): Buffer =>
  encode((writer) => {
    writer.int8(VERSION)
    writer.string(data.application)
    writer.string(data.host)
    writer.int16(data.threads)
    writer.int32(data.asked)
    writer.int16(data.standbyReplicas)
    writer.array(data.parts, (part) => {
      writer.string(part.name)
      writer.string(part.fingerprint)
      writer.int32(part.partitions)
      writer.boolean(part.stateful)
      writer.array(part.inputs, (input) => {
        writer.string(input.topic)
        writer.int32(input.partitions)
      })
    })
    writer.int32(data.previous.generation)
    texts(writer, data.previous.active)
    texts(writer, data.previous.standby)
    writer.array(data.warm, ({ task, lag }) => {
      writer.string(task)
      writer.int64(lag ?? -1)
    })
  })

/** @throws RevlogError `E_GROUP_BYTES` for anything that `encodeMember` does not make. */
export const decodeMember = (bytes: Buffer): MemberData =>
  decode(bytes, (reader) => {
    checkVersion(reader)
    const application = reader.string()
    const host = reader.string()
    const threads = within('threads', reader.int16(), 1, MAX.threads)
    const asked = reader.int32()
    const standbyReplicas = within('standby replicas', reader.int16(), 0, MAX.replicas)
    const parts = reader.array(() => readPart(reader))
    const tasks = parts.reduce((sum, part) => sum + part.partitions, 0)
    within('tasks', tasks, 0, MAX.tasks)
    const previous = { generation: reader.int32(), active: readTexts(reader), standby: readTexts(reader) }
    const warm = reader.array(() => {
      const task = reader.string()
      const lag = reader.int64()
      return { task, ...(lag < 0 ? {} : { lag }) }
    })
    return { application, host, threads, asked, standbyReplicas, parts, previous, warm }
  })

const readPart = (reader: ProtocolReader): Part => ({
  name: reader.string(),
  fingerprint: reader.string(),
  partitions: within('partitions', reader.int32(), 0, MAX.partitions),
  stateful: reader.boolean(),
  inputs: reader.array(() => ({
    topic: reader.string(),
    partitions: within('partitions', reader.int32(), 0, MAX.partitions),
  })),
})

const VERDICTS = ['accepted', 'foreign', 'unreadable'] as const

export const encodeAssignmentData = (data: AssignmentData): Buffer =>
  encode((writer) => {
    writer.int8(VERSION)
    writer.int8(VERDICTS.indexOf(data.verdict))
    writer.string(data.application)
    writer.array(data.fingerprints, ({ part, fingerprint }) => {
      writer.string(part)
      writer.string(fingerprint)
    })
    texts(writer, data.active)
    texts(writer, data.standby)
    texts(writer, data.waiting)
  })

/** @throws RevlogError `E_GROUP_BYTES` for anything that `encodeAssignmentData` does not make. */
export const decodeAssignmentData = (bytes: Buffer): AssignmentData =>
  decode(bytes, (reader) => {
    checkVersion(reader)
    const verdict = VERDICTS[reader.int8()]
    if (verdict === undefined) throw malformed('a verdict that is not known')
    return {
      verdict,
      application: reader.string(),
      fingerprints: reader.array(() => ({ part: reader.string(), fingerprint: reader.string() })),
      active: readTexts(reader),
      standby: readTexts(reader),
      waiting: readTexts(reader),
    }
  })

const texts = (writer: ProtocolWriter, values: readonly string[]): void =>
  writer.array(values, (value) => writer.string(value))

const readTexts = (reader: ProtocolReader): readonly string[] => reader.array(() => reader.string())

function checkVersion(reader: ProtocolReader): void {
  const version = reader.int8()
  if (version < VERSION) throw malformed(`version ${version}`)
}

function within(what: string, value: number, least: number, most: number): number {
  if (value < least || value > most) throw malformed(`${value} ${what}`)
  return value
}

const malformed = (what: string): RevlogError =>
  new RevlogError('E_GROUP_BYTES', `the data of a group member has ${what}`)
