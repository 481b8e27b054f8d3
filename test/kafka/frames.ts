/** Cuts what a connection brings into frames: four bytes of length and as many as they say. */
export function splitFrames(): (chunk: Buffer) => readonly Buffer[] {
  let parts: Buffer[] = []
  let held = 0
  let needed = 4
  return (chunk) => {
    parts.push(chunk)
    held += chunk.length
    // Joined only when a frame is complete, so that a large one is not copied for each of its chunks.
    if (held < needed) return []
    let bytes = Buffer.concat(parts)
    const frames: Buffer[] = []
    for (;;) {
      needed = bytes.length < 4 ? 4 : 4 + bytes.readInt32BE(0)
      if (bytes.length < needed || bytes.length < 4) break
      frames.push(bytes.subarray(0, needed))
      bytes = bytes.subarray(needed)
    }
    parts = [bytes]
    held = bytes.length
    return frames
  }
}
