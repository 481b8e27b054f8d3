import { RevlogError } from '../../core/errors.js'
import { readHello } from './client.js'
import { makeDirectory } from './directory.js'
import { describeHolder, thisProcess } from './holder.js'
import { acquire } from './lock.js'
import { createServer } from './server.js'

/**
 * Takes a directory for this process alone, without a log in it; makes it where there is none. Resolves with what
 * gives it back.
 *
 * @throws RevlogError `E_STATE_DIR_LOCKED` naming the holder, `E_STATE_DIR_NOT_WRITABLE`
 */
export async function holdDirectory(path: string): Promise<() => Promise<void>> {
  const server = createServer(thisProcess(Date.now()))
  const acquired = await acquire(makeDirectory(path), server.serve)
  if ('holder' in acquired) {
    const holder = await readHello(acquired.holder)
    acquired.holder.destroy()
    throw new RevlogError('E_STATE_DIR_LOCKED', `${path} is held by ${describeHolder(holder)}`, {
      remedy: 'end that process, or give this one a directory of its own',
    })
  }
  return async () => {
    server.close()
    await acquired.lock.release()
  }
}
