import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Ports of this machine that nobody listens on. Not from the range of which connections get theirs: a broker that is
 * restarted must find its own free.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const free = new Set<number>()
  while (free.size < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) free.add(port)
  }
  return [...free]
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
