import { RevlogError } from '../core/errors.js'
import type { StoreSpec } from './store.js'

/** The fingerprint of each store of a task, by name: kept in the metadata of every commit. */
export interface Fingerprints {
  readonly [store: string]: string
}

/**
 * What the next commit keeps: the stores of the topology, and those that it has no more, whose rows are still there.
 *
 * @param previous what the last commit kept.
 * @throws RevlogError `E_STORE_INCOMPATIBLE` for a store whose rows were written in another format, naming both.
 */
export function checkFingerprints(
  previous: Fingerprints,
  specs: readonly Pick<StoreSpec<unknown>, 'name' | 'fingerprint'>[],
): Fingerprints {
  const fingerprints: { [store: string]: string } = { ...previous }
  for (const { name, fingerprint } of specs) {
    const known = Object.hasOwn(previous, name) ? previous[name] : undefined
    if (known !== undefined && known !== fingerprint) throw incompatible(name, known, fingerprint)
    fingerprints[name] = fingerprint
  }
  return fingerprints
}

const incompatible = (store: string, known: string, fingerprint: string): RevlogError =>
  new RevlogError(
    'E_STORE_INCOMPATIBLE',
    `its rows were written as ${known}, the topology reads ${fingerprint}`,
    {
      at: { store },
      remedy: 'go back to the serdes that wrote it, give the store another name, or reset the application',
    },
  )
