import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { milliseconds } from '../../lib/core/duration.js'
import { string } from '../../lib/serdes/primitives.js'
import { createMemoryBackend } from '../../lib/state/memory/index.js'
import { type VersionedRecord, versionedStore } from '../../lib/state/stores/versioned-store.js'
import { createWriteBuffer } from '../../lib/state/write-buffer.js'

const FACTS = '../shared/conformance/kafka-streams/versioned-store-ops.json'

interface Version {
  readonly value: string
  readonly validFrom: number
  readonly validTo: number | null
}
interface Operation {
  readonly op: 'put' | 'delete' | 'getLatest' | 'getAsOf' | 'getRange' | 'restore'
  readonly key: string
  readonly value?: string | null
  readonly ts: number
  readonly asOf: number
  readonly from: number | null
  readonly to: number | null
  readonly order: 'ANY' | 'ASCENDING' | 'DESCENDING'
  readonly returns: 'LATEST' | 'NOT_PUT' | number | Version | Version[] | null
}
interface Script {
  readonly test: string
  readonly historyRetentionMs: number
  readonly ops: readonly Operation[]
}

const plain = (version: VersionedRecord<string> | undefined): Version | null =>
  version === undefined ? null : { ...version, validTo: version.validTo ?? null }

describe("the versioned store, operation by operation as Kafka Streams'", () => {
  if (!existsSync(FACTS)) {
    it(`skipped: ${FACTS} is not there (put the shared facts beside the project)`, function () {
      this.skip()
    })
    return
  }
  const { cases } = JSON.parse(readFileSync(FACTS, 'utf8')) as { cases: Script[] }
  for (const script of cases) {
    it(script.test, () => {
      const spec = versionedStore('v', {
        key: string(),
        value: string(),
        historyRetention: milliseconds(script.historyRetentionMs),
      })
      const rows = createWriteBuffer('v', createMemoryBackend().rows('v'))
      const store = spec.open({ rows, onFlush: () => {} })
      script.ops.forEach((op, i) => {
        const at = `operation ${i}: ${JSON.stringify(op)}`
        if (op.op === 'put' || op.op === 'restore') {
          const result = store.put(op.key, op.value ?? undefined, op.ts)
          if (op.op === 'put')
            assert.equal(
              result,
              op.returns === 'LATEST' ? 'latest' : op.returns === 'NOT_PUT' ? 'expired' : op.returns,
              at,
            )
        } else if (op.op === 'delete') assert.deepEqual(plain(store.delete(op.key, op.ts)), op.returns, at)
        else if (op.op === 'getLatest') assert.deepEqual(plain(store.get(op.key)), op.returns, at)
        else if (op.op === 'getAsOf') assert.deepEqual(plain(store.get(op.key, op.asOf)), op.returns, at)
        else {
          const order = op.order === 'ASCENDING' ? 'ascending' : 'descending'
          assert.deepEqual(
            store.history(op.key, op.from ?? undefined, op.to ?? undefined, order).map(plain),
            op.returns,
            at,
          )
        }
      })
    })
  }
})
