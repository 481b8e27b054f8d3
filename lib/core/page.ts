/** Writes a page into one buffer that grows and is used again; what is returned is a copy of its own. */
export interface PageWriter {
  readonly u8: (n: number) => void
  /** Unsigned, any safe integer. */
  readonly varint: (n: number) => void
  /** Any safe integer. */
  readonly time: (n: number) => void
  readonly bytes: (bytes: Uint8Array) => void
  readonly text: (latin1: string) => void
  readonly finish: () => Buffer
}

export function createPageWriter(): PageWriter {
  let buffer = Buffer.allocUnsafe(16_384)
  let at = 0
  const reserve = (n: number): void => {
    if (at + n <= buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + n))
    buffer.copy(grown, 0, 0, at)
    buffer = grown
  }
  const varint = (n: number): void => {
    reserve(8)
    let rest = n
    while (rest >= 0x80) {
      buffer[at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    buffer[at++] = rest
  }
  return {
    u8(n) {
      reserve(1)
      buffer[at++] = n
    },
    varint,
    time(n) {
      reserve(8)
      buffer.writeDoubleBE(n, at)
      at += 8
    },
    bytes(bytes) {
      varint(bytes.length)
      reserve(bytes.length)
      buffer.set(bytes, at)
      at += bytes.length
    },
    text(latin1) {
      varint(latin1.length)
      reserve(latin1.length)
      at += buffer.write(latin1, at, 'latin1')
    },
    finish() {
      const page = Buffer.allocUnsafe(at)
      buffer.copy(page, 0, 0, at)
      at = 0
      return page
    },
  }
}

/** Reads one page after another: `open` begins the next. */
export interface PageReader {
  readonly open: (page: Buffer) => void
  readonly u8: () => number
  readonly varint: () => number
  readonly time: () => number
  /** A view of the page. */
  readonly bytes: () => Buffer
  readonly text: () => string
  /** How far it has read. */
  readonly at: () => number
  readonly done: () => boolean
}

export function createPageReader(): PageReader {
  let page: Buffer = Buffer.alloc(0)
  let at = 0
  const varint = (): number => {
    let n = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = page[at++]!
      n += (byte & 0x7f) * scale
      if (byte < 0x80) return n
    }
  }
  return {
    open(next) {
      page = next
      at = 0
    },
    u8: () => page[at++]!,
    varint,
    time() {
      at += 8
      return page.readDoubleBE(at - 8)
    },
    bytes() {
      const length = varint()
      at += length
      return page.subarray(at - length, at)
    },
    text() {
      const length = varint()
      at += length
      return page.toString('latin1', at - length, at)
    },
    at: () => at,
    done: () => at >= page.length,
  }
}
