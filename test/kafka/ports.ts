import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

const FIRST = 20_000
const COUNT = 6_000

/**
 * Ports of this machine that nobody listens on. Not from the range of which connections get theirs: a broker that is
 * restarted must find its own free. They are given to nobody else as long as this process lives, although it does not
 * listen on them: it listens on a neighbour of each, `COUNT` above it, which all who look for ports try first.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const free: number[] = []
  while (free.length < count) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    const claim = await listen(port + COUNT)
    if (claim === undefined) continue
    const test = await listen(port)
    if (test === undefined) {
      claim.close()
      continue
    }
    test.close()
    await once(test, 'close')
    free.push(port)
  }
  return free
}

/** `undefined` when somebody else does. What listens does not keep the process alive. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().unref()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}
