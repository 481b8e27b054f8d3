import { RevlogError } from '../../core/errors.js'

/**
 * What goes over the socket, in both directions:
 *
 *     u32  length of what follows
 *     u8   kind: 0 hello, 1 request, 2 answer, 3 error
 *     u32  number of the request; 0 for hello
 *     u32  length of the JSON part
 *     JSON in UTF-8: the holder, or the call, or its result, or an error's parts
 *     bytes: encoded batches, whose lengths the JSON says
 *
 * The holder speaks first and says hello with its protocol version. A client that does not know that version
 * hangs up.
 */
export interface Frame {
  readonly kind: FrameKind
  readonly id: number
  readonly json: unknown
  /** Belongs to the receiver. */
  readonly bytes: Buffer
}

export const FRAME = Object.freeze({ hello: 0, request: 1, answer: 2, error: 3 })
export type FrameKind = (typeof FRAME)[keyof typeof FRAME]

const HEAD_BYTES = 13
/** One record of the greatest size, with room for the rest. */
export const MAX_FRAME_BYTES = 17 << 20

/** The frame as parts to be written one after the other, so that the bytes are not copied. */
export function encodeFrame(
  kind: FrameKind,
  id: number,
  json: unknown,
  parts: readonly Buffer[] = [],
): Buffer[] {
  const text = Buffer.from(JSON.stringify(json))
  let length = HEAD_BYTES - 4 + text.length
  for (const part of parts) length += part.length
  if (length > MAX_FRAME_BYTES) throw tooLarge(length)
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt32BE(length, 0)
  head[4] = kind
  head.writeUInt32BE(id, 5)
  head.writeUInt32BE(text.length, 9)
  return [head, text, ...parts]
}

/**
 * Puts frames together from the chunks of a stream. Returns the frames that a chunk has completed.
 *
 * @throws RevlogError `E_FRAME` when the other side does not speak this protocol or sends too much at once.
 */
export function createFrameReader(): (chunk: Buffer) => readonly Frame[] {
  let chunks: Buffer[] = []
  let buffered = 0
  /** Bytes that the frame at the front needs; until its length is known, what tells it. */
  let needed = 4

  return (chunk) => {
    chunks.push(chunk)
    buffered += chunk.length
    const frames: Frame[] = []
    while (buffered >= needed) {
      const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      const length = all.readUInt32BE(0)
      if (length > MAX_FRAME_BYTES) throw tooLarge(length)
      needed = 4 + length
      chunks = [all]
      if (buffered < needed) break
      frames.push(decodeFrame(all.subarray(0, needed)))
      chunks = buffered === needed ? [] : [all.subarray(needed)]
      buffered -= needed
      needed = 4
    }
    return frames
  }
}

function decodeFrame(bytes: Buffer): Frame {
  const kind = bytes[4]
  const textEnd = bytes.length < HEAD_BYTES ? Number.POSITIVE_INFINITY : HEAD_BYTES + bytes.readUInt32BE(9)
  if (textEnd > bytes.length || kind === undefined || kind > FRAME.error) {
    throw new RevlogError('E_FRAME', 'the other side does not speak the protocol of revlog')
  }
  const text = bytes.toString('utf8', HEAD_BYTES, textEnd)
  try {
    const json: unknown = JSON.parse(text)
    return { kind: kind as FrameKind, id: bytes.readUInt32BE(5), json, bytes: bytes.subarray(textEnd) }
  } catch (cause) {
    throw new RevlogError('E_FRAME', 'the other side does not speak the protocol of revlog', { cause })
  }
}

const tooLarge = (length: number): RevlogError =>
  new RevlogError('E_FRAME', `a frame of ${length} bytes, more than the ${MAX_FRAME_BYTES} allowed`)
