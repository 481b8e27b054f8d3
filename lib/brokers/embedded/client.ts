import type { Socket } from 'node:net'
import { RevlogError } from '../../core/errors.js'
import type { ProducerRecord } from '../../core/record.js'
import type { Appended, Broker } from '../port.js'
import { recordBytes } from '../record-size.js'
import { checkEncodable } from './append.js'
import { createFrameReader, encodeFrame, FRAME, type Frame } from './frames.js'
import { type Holder, PROTOCOL_VERSION } from './holder.js'
import {
  type Answers,
  decodeFetched,
  encodeProduce,
  fromWireError,
  type Request,
  type WireError,
} from './messages.js'

const HELLO_TIMEOUT_MS = 5_000
/** What one frame of records holds, about, unless a single record is larger. */
const FRAME_RECORDS = 5_000
const FRAME_BYTES = 1 << 20
/** Longer waits are asked for piece by piece. */
const WAIT_MS = 30_000

interface Call {
  readonly resolve: (frame: Frame) => void
  readonly reject: (reason: unknown) => void
}

/** The first frame that the holder of a directory sends: who it is. */
export function readHello(socket: Socket): Promise<Holder> {
  return new Promise((resolve, reject) => {
    const read = createFrameReader()
    const done = (result: Holder | RevlogError): void => {
      clearTimeout(timer)
      socket.off('data', onData).off('close', onClose).off('error', onClose).pause()
      if (result instanceof RevlogError) {
        socket.destroy()
        reject(result)
      } else resolve(result)
    }
    const onClose = (): void => done(silent('ends before it says who it is'))
    const onData = (chunk: Buffer): void => {
      try {
        const [hello] = read(chunk)
        if (hello !== undefined) done(hello.json as Holder)
      } catch (thrown) {
        done(thrown instanceof RevlogError ? thrown : silent('does not speak the protocol of revlog'))
      }
    }
    const timer = setTimeout(() => done(silent('does not answer')), HELLO_TIMEOUT_MS)
    socket.on('data', onData).on('close', onClose).on('error', onClose)
  })
}

const silent = (what: string): RevlogError =>
  new RevlogError('E_STATE_DIR_LOCKED', `the process that holds the directory ${what}`, {
    remedy: 'it may be starting, ending or stopped: try again, or look for it with ps',
  })

/** The port of a broker in another process, over the socket of the directory that it holds. */
export async function createSocketBroker(socket: Socket): Promise<Broker> {
  const holder = await readHello(socket)
  if (holder.protocol !== PROTOCOL_VERSION) {
    socket.destroy()
    throw new RevlogError(
      'E_PROTOCOL_VERSION',
      `process ${holder.pid} speaks version ${holder.protocol} of the protocol, this one ${PROTOCOL_VERSION}`,
      { remedy: 'use the same version of revlog for both' },
    )
  }
  const calls = new Map<number, Call>()
  const read = createFrameReader()
  let lastId = 0
  let failure: RevlogError | undefined

  const fail = (reason: RevlogError): void => {
    failure ??= reason
    socket.destroy()
    for (const { reject } of calls.values()) reject(failure)
    calls.clear()
    socket.emit('drain')
  }
  const gone = (): void =>
    fail(
      new RevlogError('E_BROKER_GONE', `process ${holder.pid}, which holds the directory, has ended`, {
        remedy: 'open the directory again; what it had not acknowledged may or may not have been written',
      }),
    )
  socket.on('error', gone)
  socket.on('close', gone)
  const receive = (chunk: Buffer): void => {
    try {
      for (const frame of read(chunk)) {
        const call = calls.get(frame.id)
        if (call === undefined) continue
        calls.delete(frame.id)
        if (frame.kind === FRAME.error) call.reject(fromWireError(frame.json as WireError))
        else call.resolve(frame)
      }
    } catch (thrown) {
      fail(thrown instanceof RevlogError ? thrown : new RevlogError('E_FRAME', String(thrown)))
    }
  }
  socket.on('data', receive).resume()

  const call = async <C extends Request['call']>(
    request: Extract<Request, { call: C }>,
    parts: readonly Buffer[] = [],
  ): Promise<{ readonly json: Answers[C]; readonly bytes: Buffer }> => {
    const frame = await new Promise<Frame>((resolve, reject) => {
      if (failure !== undefined) {
        reject(failure)
        return
      }
      const id = ++lastId
      const encoded = encodeFrame(FRAME.request, id, request, parts)
      calls.set(id, { resolve, reject })
      socket.cork()
      for (const part of encoded) socket.write(part)
      socket.uncork()
    })
    return { json: frame.json as Answers[C], bytes: frame.bytes }
  }

  const drained = async (): Promise<void> => {
    while (failure === undefined && socket.writableNeedDrain) {
      await new Promise((resolve) => socket.once('drain', resolve))
    }
  }

  /** Writes the records to the socket, as fast as it takes them; the answers are still to come. */
  const send = async (records: readonly ProducerRecord[]) => {
    const answers: Promise<readonly Appended[]>[] = []
    for (const chunk of chunksOf(records)) {
      await drained()
      const { runs, parts } = encodeProduce(chunk)
      const answer = call({ call: 'produce', runs }, parts).then(({ json }) => json)
      // Whoever awaits all of them is told; this one may fail before they do.
      answer.catch(() => {})
      answers.push(answer)
    }
    return answers
  }
  /** Calls of `produce` take turns at sending, so that the records of one partition keep their order. */
  let turn: Promise<unknown> = Promise.resolve()

  return {
    createTopic: async (topic) => (await call({ call: 'createTopic', topic })).json,
    describeTopic: async (name) => (await call({ call: 'describeTopic', name })).json ?? undefined,
    listTopics: async () => (await call({ call: 'listTopics' })).json,
    async produce(records) {
      for (const record of records) checkEncodable(record)
      const sent = turn.then(() => send(records))
      turn = sent.catch(() => {})
      return joined((await Promise.all(await sent)).flat())
    },
    async fetch(request) {
      const { json, bytes } = await call({ call: 'fetch', request })
      return decodeFetched(json, bytes)
    },
    endOffsets: async (topic) => (await call({ call: 'endOffsets', topic })).json,
    async waitForData(positions, timeoutMs) {
      for (let rest = timeoutMs; ; rest -= WAIT_MS) {
        const piece = Math.min(rest, WAIT_MS)
        const { json } = await call({ call: 'waitForData', positions, timeoutMs: Math.max(0, piece) })
        if (json || rest <= WAIT_MS) return json
      }
    },
    async close() {
      await turn
      failure ??= new RevlogError('E_BROKER_CLOSED', 'the broker is closed')
      socket.destroy()
    },
  }
}

/** What went to one partition in several frames without another client in between is one range. */
function joined(ranges: readonly Appended[]): readonly Appended[] {
  const found = new Map<string, Appended>()
  const result: Appended[] = []
  for (const range of ranges) {
    const place = `${range.topic}-${range.partition}`
    const before = found.get(place)
    if (before !== undefined && before.baseOffset + before.count === range.baseOffset) {
      const whole = { ...before, count: before.count + range.count }
      result[result.indexOf(before)] = whole
      found.set(place, whole)
    } else {
      result.push(range)
      found.set(place, range)
    }
  }
  return result
}

/** Records in groups that fit into a frame each. */
function* chunksOf(records: readonly ProducerRecord[]): Generator<readonly ProducerRecord[]> {
  let from = 0
  let bytes = 0
  for (let i = 0; i < records.length; i++) {
    const size = recordBytes(records[i]!)
    if (i > from && (i - from >= FRAME_RECORDS || bytes + size > FRAME_BYTES)) {
      yield records.slice(from, i)
      from = i
      bytes = 0
    }
    bytes += size
  }
  if (from < records.length) yield records.slice(from)
}
