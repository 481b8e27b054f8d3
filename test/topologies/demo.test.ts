import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { join, relative } from 'node:path'
import { BIN, type Folder, lines, ROOT, strangersFolder } from '../cli/revlog.js'

describe('npm start', () => {
  let folder: Folder
  let out = ''
  before(() => {
    folder = strangersFolder()
    const began = Date.now()
    const ended = spawnSync('node', [join(ROOT, 'dist/topologies/demo.js')], {
      cwd: folder.path,
      encoding: 'utf8',
    })
    assert.equal(ended.status, 0, ended.stderr)
    assert.ok(Date.now() - began < 20_000)
    out = ended.stdout
  })
  after(() => folder.remove())

  it('shows first answers, corrections with the late mood that caused them, and that none is wrong in the end', () => {
    assert.match(out, /R0001 .* mood unknown +revision 0\.1\n/)
    assert.match(
      out,
      /Ada: bored since 09:00:29, 5 min 53 s late\n +↳ 09:00:39 {2}R0004 +unknown → bored +revision 2\.12\n/,
    )
    assert.match(out, /Two moods for one instant/)
    assert.match(out, /no mood from 09:20:27 on/)
    assert.match(out, /first answers wrong +\d{3} {3}/)
    assert.match(out, /final answers wrong +0\n/)
  })

  it('fits into 80 columns, and has no colours where there is no terminal', () => {
    assert.ok(!out.includes('\u001b'))
    // The way from a test's folder to the compiled topology is longer than from the project's own.
    const there = relative(realpathSync(folder.path), ROOT).replace(/\/$/, '')
    for (const line of out.split('\n')) assert.ok(line.replace(`${there}/`, '').length <= 80, line)
  })

  it('names the folder of its state', () => {
    assert.match(out, /Topics and state are in \.revlog\/demo,/)
    assert.equal(existsSync(join(folder.path, '.revlog/demo/data.mdb')), true)
  })

  it('names three commands that work as they stand', () => {
    const told = out.slice(out.indexOf('Try next')).replaceAll('\\\n', '')
    const commands = [...told.matchAll(/^ {6}npx revlog (.+)$/gm)].map(([, words]) => words!)
    assert.equal(commands.length, 3)
    const [table, revisions, files] = commands.map((words) => {
      const { status, stdout, stderr } = spawnSync(`node ${BIN} ${words}`, {
        cwd: folder.path,
        shell: true,
        encoding: 'utf8',
      })
      assert.equal(status, 0, stderr)
      return lines(stdout)
    })
    assert.deepEqual(
      table!.map(({ key }) => key),
      ['R0001', 'R0002', 'R0003'],
    )
    assert.ok(revisions!.length >= 3)
    assert.deepEqual(
      files!.map(({ key }) => key),
      ['R2998', 'R2999', 'R3000'],
    )
  })

  it('its input over files gives the table that it has', async () => {
    const consultants = join(ROOT, 'dist/topologies/consultants.js')
    const day = '.revlog/day'
    const over = await folder.revlog([
      ...['run', consultants, '--table', 'advice', '--from', `moods=${day}/moods.jsonl`],
      ...['--from', `recommendations=${day}/recommendations.jsonl`],
    ])
    const kept = await folder.revlog(['consume', 'advice', '--dir', '.revlog/demo', '--table'])
    const values = (text: string) => lines(text).map(({ value }) => value)
    assert.equal(values(kept.out).length, 3_000)
    assert.deepEqual(values(over.out), values(kept.out))
  })
})
