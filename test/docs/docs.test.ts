import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifest, root } from '../house/tree.js'
import { type Block, blocksOf } from './blocks.js'
import { createProject, type Project } from './project.js'

/*
 * Every ```ts, ```js and ```sh block of the README and of docs/ is run as a reader would.
 *
 *   ```ts shop.ts       is the file shop.ts of its document: later blocks can import it, commands can name it
 *   ```ts               is a file of its own
 *   ```ts shop.test.ts  is run by mocha, the others by Node
 *   ```sh               is run by bash in the folder with its document's files, with `revlog` on the PATH;
 *                       npm, git and cd are not, but `npm NAME` must name a script that exists
 *   <!-- with … -->     right above a block is code that belongs to it and that a reader does not need to see
 *
 * All of a document's TypeScript is checked together, as strict as it goes. A block that must not run, because
 * it shows a mistake or a piece of the inside, is a ```text block.
 */

const documents = ['README.md', ...markdownIn('docs')]
const all = documents.flatMap((document) => blocksOf(document, readFileSync(join(root, document), 'utf8')))

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort()
}

/** What a block reads beside the project; a clone alone does not have it. */
const isThere = ({ code }: Block): boolean =>
  !code.includes('../shared') || existsSync(join(root, '..', 'shared'))

describe('the documents', () => {
  let project: Project
  before(() => {
    project = createProject(all)
  })
  after(() => project.remove())

  it('compile', () => assert.equal(project.complaints, ''))

  for (const document of documents) {
    const blocks = all.filter((block) => block.document === document)
    for (const block of blocks) {
      it(`${document}:${block.line} ${block.file ?? block.language} runs`, function () {
        if (!isThere(block)) this.skip()
        for (const [command, script] of block.code.matchAll(
          /\bnpm (?:run (?:--silent )?)?(?!ci|install)(\S+)/g,
        )) {
          assert.ok(script! in manifest.scripts, `${command}: there is no such script`)
        }
        const { status, output } = project.run(block)
        assert.equal(status, 0, output)
      })
    }
  }
})
