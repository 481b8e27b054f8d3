const HIGH = 0x1_0000_0000

/** A 64-bit integer as a number: exact as far as numbers are, rounded beyond. */
export const readInt64 = (bytes: Buffer, at: number): number =>
  bytes.readInt32BE(at) * HIGH + bytes.readUInt32BE(at + 4)

/** Writes a safe integer. */
export function writeInt64(into: Buffer, at: number, value: number): void {
  into.writeInt32BE(Math.floor(value / HIGH), at)
  into.writeUInt32BE(value >>> 0, at + 4)
}
