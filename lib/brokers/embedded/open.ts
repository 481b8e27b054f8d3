import { realpathSync } from 'node:fs'
import { messageOf, RevlogError } from '../../core/errors.js'
import type { Broker } from '../port.js'
import { createSocketBroker } from './client.js'
import { openOrFind } from './directory.js'
import { connectToHolder } from './lock.js'

/**
 * The log of a directory that another process holds, through its socket.
 *
 * @throws RevlogError `E_STATE_DIR_NOT_HELD` when no process does.
 */
export async function connectDirectory(path: string): Promise<Broker> {
  const socket = await connectToHolder(existing(path))
  if (socket === undefined) {
    throw new RevlogError('E_STATE_DIR_NOT_HELD', `no process holds ${path}`, {
      remedy: 'start one with `revlog run`, or open the directory itself',
    })
  }
  return createSocketBroker(socket)
}

/**
 * The log of a directory, whoever holds it: takes the directory when it is free (and closes it with the broker),
 * else works through the process that holds it.
 */
export async function openBroker(path: string): Promise<Broker> {
  const opened = await openOrFind(path, {})
  if ('holder' in opened) return createSocketBroker(opened.holder)
  const { broker, close } = opened.directory
  return { ...broker, close }
}

function existing(path: string): string {
  try {
    return realpathSync(path)
  } catch (cause) {
    throw new RevlogError('E_STATE_DIR_NOT_HELD', `cannot find ${path}: ${messageOf(cause)}`, { cause })
  }
}
