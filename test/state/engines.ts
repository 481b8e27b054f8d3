import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLmdbBackend } from '../../lib/state/lmdb/backend.js'
import { openEnvironment } from '../../lib/state/lmdb/environment.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'
import type { StateBackend, StoreWrites } from '../../lib/state/port.js'
import type { StoreSpec } from '../../lib/state/store.js'
import type { BufferedRows, WriteBuffer } from '../../lib/state/write-buffer.js'
import { createWriteBuffer } from '../../lib/state/write-buffer.js'

/** One engine with an empty state. */
export interface Engine {
  readonly backend: () => StateBackend
  /** What a new process finds: the committed state. */
  readonly reopen: () => Promise<StateBackend>
  readonly dispose: () => Promise<void>
}

export const ENGINES: { readonly [name: string]: () => Engine } = {
  memory() {
    const backend = createMemoryBackend()
    return { backend: () => backend, reopen: async () => backend, dispose: async () => {} }
  },
  lmdb() {
    const path = mkdtempSync(join(tmpdir(), 'revlog-state-'))
    let environment = openEnvironment(path, { durability: 'lazy' })
    let backend = createLmdbBackend(environment, 'app/0_0')
    return {
      backend: () => backend,
      async reopen() {
        await environment.close()
        environment = openEnvironment(path, { durability: 'lazy' })
        backend = createLmdbBackend(environment, 'app/0_0')
        return backend
      },
      async dispose() {
        await environment.close()
        rmSync(path, { recursive: true })
      },
    }
  },
}

/** Runs `suite` on every engine. */
export function onEachEngine(suite: (make: () => Engine) => void): void {
  for (const [name, make] of Object.entries(ENGINES)) {
    describe(`on ${name}`, () => {
      const made: Engine[] = []
      afterEach(async () => {
        for (const engine of made.splice(0)) await engine.dispose()
      })
      suite(() => {
        const engine = make()
        made.push(engine)
        return engine
      })
    })
  }
}

/** A typed store as a task keeps it: through a write buffer, committed when told. */
export interface Opened<S> {
  readonly store: S
  readonly rows: BufferedRows
  /** Flushes as a task does, and commits. */
  readonly commit: () => readonly StoreWrites[]
}

export function openStore<S>(spec: StoreSpec<S>, backend: StateBackend): Opened<S> {
  const flushes: (() => void)[] = []
  const rows: WriteBuffer = createWriteBuffer(spec.name, backend.rows(spec.name))
  const store = spec.open({ rows, onFlush: (flush) => flushes.push(flush) })
  return {
    store,
    rows,
    commit() {
      for (const flush of flushes) flush()
      const writes = [{ store: spec.name, writes: rows.writes() }]
      backend.commit(writes, Buffer.from('{}'))
      rows.clear()
      return writes
    },
  }
}

/** Every row of some stores, readable when a comparison fails. */
export const dump = (backend: StateBackend, stores: readonly string[]) =>
  stores.map((store) =>
    backend
      .rows(store)
      .scan({ limit: 1e9 })
      .map(
        ({ key, value }) =>
          `${store} ${Buffer.from(key, 'latin1').toString('hex')} = ${value.toString('hex')}`,
      ),
  )
