import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifest, root } from '../house/tree.js'
import { describeKafka } from '../kafka/suite.js'
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
 *   localhost:9092      in a ```sh block is a Kafka that was started for the tests; without one it is not run
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

/** Where a reader's own Kafka is, in every document. */
const READERS_KAFKA = 'localhost:9092'
const needsKafka = ({ code }: Block): boolean => code.includes(READERS_KAFKA)

describe('the documents', () => {
  let project: Project
  before(() => {
    project = createProject(all)
  })
  after(() => project.remove())

  it('compile', () => assert.equal(project.complaints, ''))

  for (const document of documents) {
    const blocks = all.filter((block) => block.document === document && !needsKafka(block))
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

  describeKafka('on Apache Kafka', (kafka) => {
    for (const block of all.filter(needsKafka)) {
      it(`${block.document}:${block.line} ${block.file ?? block.language} runs`, () => {
        const code = block.code.replaceAll(READERS_KAFKA, kafka().address)
        const { status, output } = project.run({ ...block, code })
        assert.equal(status, 0, output)
      })
    }
  })
})
