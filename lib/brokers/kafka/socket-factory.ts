import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** TCP asks the other side now and then whether it is still there. */
const KEEP_ALIVE_DELAY_MS = 60_000

interface SocketRequest {
  readonly host: string
  readonly port: number
  readonly ssl: ConnectionOptions | boolean | null
  readonly onConnect: () => void
}

/**
 * kafkajs' own factory, and with `TCP_NODELAY`: a request is one write, and waiting for the answer to the last one
 * before it goes out would add the other side's delay of acknowledgement to it.
 */
export function socketFactory({ host, port, ssl, onConnect }: SocketRequest): Socket {
  const socket =
    ssl === null || ssl === undefined || ssl === false
      ? connect({ host, port }, onConnect)
      : connectTls(
          {
            host,
            port,
            ...(isIP(host) === 0 ? { servername: host } : {}),
            ...(typeof ssl === 'object' ? ssl : {}),
          },
          onConnect,
        )
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
  return socket
}
