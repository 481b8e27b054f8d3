import { connect } from 'node:net'

/** The api keys of the protocol that tests speak or disturb. */
export const API = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  offsetCommit: 8,
  offsetFetch: 9,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  leaveGroup: 13,
  syncGroup: 14,
  apiVersions: 18,
  createTopics: 19,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const

/** A request as bytes, written by hand: the tests of a client must not need that client. */
export const int8 = (value: number): Buffer => Buffer.from([value])
export const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
export const string = (text: string): Buffer =>
  Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)])
export const array = (items: readonly Buffer[]): Buffer => Buffer.concat([int32(items.length), ...items])

/** One request on a connection of its own; resolves with the body of the response. */
export function ask(
  address: string,
  apiKey: number,
  apiVersion: number,
  body: Buffer,
  timeoutMs = 5_000,
): Promise<Buffer> {
  const [host = '', port = ''] = address.split(':')
  const header = Buffer.concat([int16(apiKey), int16(apiVersion), int32(1), string('revlog-test')])
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host)
    let received = Buffer.alloc(0)
    const end = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    socket.setTimeout(timeoutMs, () => end(new Error(`${address} does not answer`)))
    socket.on('error', end)
    socket.on('close', () => end(new Error(`${address} has closed the connection`)))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return
      socket.destroy()
      resolve(received.subarray(8))
    })
    socket.write(Buffer.concat([int32(header.length + body.length), header, body]))
  })
}

/**
 * Resolves when a broker does what clients need from their first request on: it answers, and the coordinators of
 * groups and of transactions have loaded their partitions. An open port says neither.
 */
export async function untilReady(address: string, failed: () => string | undefined): Promise<void> {
  const checks = [
    () => ask(address, API.apiVersions, 0, Buffer.alloc(0)).then((body) => body.readInt16BE(0)),
    // Names that differ in the last digit are spread over all four partitions that a coordinator may have.
    ...[0, 1, 2, 3].flatMap((i) => [
      () => errorOfOffsetFetch(address, `revlog-ready-${i}`),
      () => errorOfInitProducerId(address, `revlog-ready-${i}`),
    ]),
  ]
  for (const check of checks) {
    while ((await check().catch(() => -1)) !== 0) {
      const problem = failed()
      if (problem !== undefined) throw new Error(problem)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

async function errorOfOffsetFetch(address: string, group: string): Promise<number> {
  await ask(address, API.findCoordinator, 1, Buffer.concat([string(group), int8(0)]))
  // Of a group that has committed nothing: no topics, then the error.
  const body = await ask(address, API.offsetFetch, 2, Buffer.concat([string(group), int32(-1)]))
  return body.readInt16BE(4)
}

async function errorOfInitProducerId(address: string, transactionalId: string): Promise<number> {
  await ask(address, API.findCoordinator, 1, Buffer.concat([string(transactionalId), int8(1)]))
  const request = Buffer.concat([string(transactionalId), int32(10_000)])
  return (await ask(address, API.initProducerId, 0, request)).readInt16BE(4)
}
