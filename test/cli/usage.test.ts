import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Folder, ROOT, strangersFolder } from './revlog.js'

describe('revlog, called rightly and wrongly', () => {
  let folder: Folder
  before(() => {
    folder = strangersFolder()
  })
  after(() => folder.remove())

  it('says what it can do, in 80 columns', async () => {
    const help = await folder.revlog(['--help'])
    assert.equal(help.code, 0)
    for (const line of help.out.split('\n')) assert.ok(line.length <= 80, line)
    for (const command of ['run', 'produce', 'consume', 'topology', 'doctor', 'lag', 'reset']) {
      assert.match(help.out, new RegExp(`^  ${command} `, 'm'))
      const { out, code } = await folder.revlog([command, '--help'])
      assert.equal(code, 0)
      assert.match(out, new RegExp(`^Usage: revlog ${command} `))
      assert.deepEqual(await folder.revlog(['help', command]), { code: 0, out, err: '' })
      const usage = out.split('\nExamples:')[0]!
      for (const line of usage.split('\n')) assert.ok(line.length <= 80, line)
    }
    assert.deepEqual(await folder.revlog([]), help)
  })

  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    assert.deepEqual(await folder.revlog(['--version']), { code: 0, out: `${version}\n`, err: '' })
  })

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['a command that does not exist', ['rum'], /no command rum.*\n.*did you mean run\?/],
    [
      'an option that does not exist',
      ['run', 'a.js', '--frmo', 'x'],
      /no option --frmo.*\n.*did you mean --from\?/,
    ],
    ['no file', ['run'], /an argument is missing/],
    ['two files', ['run', 'a.js', 'b.js'], /an argument too many: b\.js/],
    ['an option without its value', ['run', 'a.js', '--table'], /--table/],
    ['--from without a file', ['run', 'a.js', '--from', 'moods'], /--from moods is no pair/],
    [
      'standard input twice',
      ['run', 'a.js', '--from', 'a=-', '--from', 'b=-'],
      /standard input can be read once/,
    ],
    ['a number that is none', ['run', 'a.js', '--partitions', 'two'], /--partitions two is no whole number/],
    ['a choice that is none', ['run', 'a.js', '--on-error', 'ignore'], /--on-error cannot be ignore/],
    ['a table that follows', ['consume', 'a', '--table', '--follow'], /--table prints a table and ends/],
    [
      'a password on the command line',
      ['run', 'a.js', '--sasl-password', 'hunter2'],
      /^(?!.*hunter2).*no option --sasl-password\n.*--sasl-password-file/s,
    ],
    ['an unknown Kafka', ['lag', 'a.js'], /it is not known where Kafka is/],
    ['a folder that nobody named', ['consume', 'a'], /nothing has run below \.revlog here/],
  ]
  for (const [what, words, expected] of wrong) {
    it(`refuses ${what} with exit code 2 and a remedy`, async () => {
      const { code, out, err } = await folder.revlog(words)
      assert.match(err, expected)
      assert.match(err, /^revlog: E_USAGE: /)
      assert.match(err, /remedy: .*--help/)
      assert.equal(out, '')
      assert.equal(code, 2)
    })
  }
})
