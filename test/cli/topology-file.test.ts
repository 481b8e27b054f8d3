import assert from 'node:assert/strict'
import { type Folder, strangersFolder } from './revlog.js'
import { installLoader } from './typescript-loader.js'

const GOOD = `
import { json, stream, string, topic, topology } from 'revlog'
const words = topic('words', { key: string(), value: json() })
const loud = topic('loud', { key: string(), value: json() })
const made = topology('shout', [stream(words).mapValues((word) => word + '!').to(loud)])
`

describe('a topology file', () => {
  let folder: Folder
  before(() => {
    folder = strangersFolder()
  })
  after(() => folder.remove())

  async function fails(name: string, content: string, expected: RegExp): Promise<void> {
    folder.write(name, content)
    const { code, out, err } = await folder.revlog(['topology', name])
    assert.match(err, expected)
    assert.equal(out, '')
    assert.equal(code, 1)
  }

  it('is printed as text, Mermaid and JSON', async () => {
    folder.write('good.js', `${GOOD}export default made`)
    const text = await folder.revlog(['topology', 'good.js'])
    assert.equal(text.code, 0, text.err)
    assert.match(text.out, /^Topologies:\n {3}Sub-topology: 0\n/)
    assert.match(
      (await folder.revlog(['topology', 'good.js', '--format', 'mermaid'])).out,
      /^(graph|flowchart) /,
    )
    const { out } = await folder.revlog(['topology', 'good.js', '--format', 'json'])
    assert.equal(typeof JSON.parse(out), 'object')
  })

  it('must be there', async () => {
    const { code, err } = await folder.revlog(['topology', 'absent.js'])
    assert.match(err, /E_FILE_NOT_FOUND: there is no file absent\.js/)
    assert.equal(code, 1)
  })

  it('must export a topology by default', async () => {
    await fails('none.js', 'export const x = 1', /E_NOT_A_TOPOLOGY: none\.js has no default export/)
    await fails('named.js', `${GOOD}export { made }`, /remedy: export it by default: export default made/)
    await fails('number.js', 'export default 5', /exports a number, not a topology/)
    await fails('call.js', 'export default () => 5', /exports a function, not a topology: call it/)
    await fails(
      'stream.js',
      `${GOOD}export default stream(words)`,
      /exports a stream or a sink, not a topology/,
    )
  })

  it('that throws says where', async () => {
    await fails(
      'throws.js',
      '\n\nthrow new Error("boom")',
      /E_TOPOLOGY_FILE: throws\.js cannot be loaded: boom \(at .*throws\.js:3:7\)/,
    )
  })

  it('that cannot be parsed, or imports what is not there, says so', async () => {
    await fails(
      'syntax.js',
      'export default {',
      /E_TOPOLOGY_FILE: syntax\.js cannot be loaded: Unexpected end/,
    )
    await fails('import.js', 'import "nowhere-to-be-found"', /nowhere-to-be-found.*\n.*remedy: install/)
  })

  it('with a mistake in the topology shows that mistake', async () => {
    await fails(
      'mistake.js',
      `${GOOD}export default topology('empty', [])`,
      /^revlog: E_TOPOLOGY_EMPTY: .*\n.*remedy/,
    )
  })

  it('in TypeScript runs, or names the one thing to install', async () => {
    folder.write('typed.ts', `${GOOD}const typed: typeof made = made\nexport default typed`)
    const { code, out, err } = await folder.revlog(['topology', 'typed.ts'])
    if ((process.features as { readonly typescript?: unknown }).typescript) {
      assert.match(out, /^Topologies:/)
      assert.equal(code, 0)
    } else {
      assert.match(
        err,
        /E_TYPESCRIPT: Node .* cannot run TypeScript by itself.*\n.*npm install --save-dev tsx/,
      )
      assert.equal(code, 1)
    }
  })

  it('in TypeScript runs with the loader that is installed', async () => {
    if ((process.features as { readonly typescript?: unknown }).typescript) return
    installLoader(folder, ': typeof made')
    const { code, out, err } = await folder.revlog(['topology', 'typed.ts'])
    assert.equal(code, 0, err)
    assert.match(out, /^Topologies:/)
  })
})
