import { type Coordinates, RevlogError } from '../../../core/errors.js'

/** Bytes of a partition that are not what its producer wrote. */
export const corruptBatch = (what: string, at: Coordinates): RevlogError =>
  new RevlogError('E_CORRUPT_BATCH', `a record batch is corrupt: ${what}`, {
    remedy:
      'read it again; when it stays so, the copy of the broker is damaged: restore it from a replica or skip it',
    at,
  })
