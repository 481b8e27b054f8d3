import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Complaint,
  checkBans,
  checkDead,
  checkImports,
  checkLength,
  checkRoomCycles,
  checkTopLevel,
} from './rules.js'
import { doors, entries, manifest, root, sourcesOf } from './tree.js'

const none = (complaints: readonly Complaint[]): void => assert.equal(complaints.join('\n'), '')

describe('the house', () => {
  const product = sourcesOf('lib', 'test-driver')
  const all = [...product, ...sourcesOf('topologies')]

  it('imports only what the table of rooms allows', () => {
    const dependencies = [
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.optionalDependencies ?? {}),
    ]
    none(checkImports(all, { name: manifest.name, doors, dependencies }))
  })

  it('has no rooms that import each other', () => none(checkRoomCycles(all)))

  it('keeps time, chance and the world out of core, topology, operators and engine', () =>
    none(checkBans(all)))

  it('has no file that nobody can reach', () => none(checkDead(product, entries)))

  it('has no file with two ideas', () => none(checkLength([...all, ...sourcesOf('test')])))

  it('has nothing but the fixed names at the top level', () => none(checkTopLevel(readdirSync(root))))

  describe('the lock file', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      readonly packages: {
        readonly [path: string]: {
          readonly resolved?: string
          readonly hasInstallScript?: boolean
          readonly integrity?: string
        }
      }
    }
    const packages = Object.entries(lock.packages).filter(([path]) => path !== '')

    it('says what a package is, not where one machine found it', () => {
      for (const [path, entry] of packages) {
        assert.equal(entry.resolved, undefined, path)
        assert.notEqual(entry.integrity, undefined, path)
      }
    })

    it('holds no package whose install script was not decided about', () => {
      const undecided = packages
        .filter(([, entry]) => entry.hasInstallScript === true)
        .map(([path]) => path.replace(/^.*node_modules\//, ''))
        .filter((name) => manifest.allowScripts[name] === undefined)
      assert.deepEqual(undecided, [])
    })
  })
})
