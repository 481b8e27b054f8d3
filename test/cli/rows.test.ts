import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { cellValue } from '../../lib/cli/rows/cell.js'
import { openRows, type RowOptions } from '../../lib/cli/rows/open.js'
import type { Row } from '../../lib/cli/rows/row.js'
import type { RevlogError } from '../../lib/core/errors.js'

const never = new AbortController().signal

describe('rows of files', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'revlog-rows-'))
  })
  after(() => rm(folder, { recursive: true }))

  async function read(
    name: string,
    content: string | Buffer,
    options?: Partial<RowOptions>,
  ): Promise<readonly Row[]> {
    const path = join(folder, name)
    await writeFile(path, content)
    const rows: Row[] = []
    for await (const batch of (await openRows(path, { stop: never, ...options })).batches) rows.push(...batch)
    return rows
  }
  const values = (rows: readonly Row[]): unknown[] =>
    rows.map((row) => ('problem' in row ? `${row.problem.code} at ${row.line}` : row.value))
  const problem = (error: unknown): string => {
    const { code, at } = error as RevlogError
    return `${code}${at.line === undefined ? '' : ` at ${at.line}`}`
  }

  it('reads CSV with CRLF, quotes, doubled quotes, separators and line ends in quotes', async () => {
    const text = 'id,said\r\n1,"a ""b"", c"\r\n2,"two\r\nlines"\r\n3,\r\n\r\n"4",plain'
    assert.deepEqual(values(await read('a.csv', text)), [
      { id: 1, said: 'a "b", c' },
      { id: 2, said: 'two\r\nlines' },
      { id: 3, said: '' },
      { id: 4, said: 'plain' },
    ])
  })

  it('keeps what was written beside the number that a cell became', async () => {
    const [row] = await read('keys.csv', 'id,n\n1.50,2\n')
    assert.ok(row !== undefined && 'value' in row)
    assert.deepEqual(row.value, { id: 1.5, n: 2 })
    assert.equal(row.cell?.('id'), '1.50')
    assert.equal(row.cell?.('none'), undefined)
  })

  it('a cell is a number only when it is a JSON number that is exact', () => {
    const cells = ['0', '-1', '1.25', '1e3', '9007199254740991', '10.357019999999999']
    assert.deepEqual(cells.map(cellValue), [0, -1, 1.25, 1000, 9007199254740991, 10.357019999999999])
    for (const text of [
      '',
      'NA',
      '007',
      '+1',
      '.5',
      '1.',
      '-',
      '1,5',
      '0x10',
      '1e999',
      '9007199254740993',
      ' 1',
      'true',
    ]) {
      assert.equal(cellValue(text), text)
    }
  })

  it('leaves cells as text when asked', async () => {
    assert.deepEqual(values(await read('a.csv', 'a\n1\n', { csvText: true })), [{ a: '1' }])
  })

  it('a broken row is told with its line, and the rows around it are read', async () => {
    const text = 'a,b\n1,2\n3\n4,5,6\n7,x"y\n8,"z"z\n9,"x"y"\n9,10\n'
    assert.deepEqual(values(await read('a.csv', text)), [
      { a: 1, b: 2 },
      'E_CSV at 3',
      'E_CSV at 4',
      'E_CSV at 5',
      'E_CSV at 6',
      'E_CSV at 7',
      { a: 9, b: 10 },
    ])
  })

  it('a quote that is never closed loses its own line alone', async () => {
    const rows = await read('b.csv', 'a,b\n1,"lost\n2,3\n4,5\n')
    assert.deepEqual(values(rows), ['E_CSV at 2', { a: 2, b: 3 }, { a: 4, b: 5 }])
  })

  it('refuses a header that names a column twice', async () => {
    await assert.rejects(read('a.csv', 'a,b,a\n1,2,3\n'), { code: 'E_CSV_HEADER' })
  })

  it('reads tabs in .tsv, and drops a byte order mark', async () => {
    assert.deepEqual(values(await read('a.tsv', '\ufeffa\tb\n1\tx,y\n')), [{ a: 1, b: 'x,y' }])
  })

  it('reads JSON lines, whatever they hold, and says which are none', async () => {
    const rows = await read('a.jsonl', '{"a":1}\r\n\n0\n"x"\nnull\n{"a":\n[1]')
    assert.deepEqual(values(rows), [{ a: 1 }, 0, 'x', null, 'E_JSON at 6', [1]])
  })

  it('refuses an integer that would lose digits, and not one inside text', async () => {
    const rows = await read(
      'a.jsonl',
      '{"id":12345678901234567890}\n{"id":"12345678901234567890"}\n{"n":1.00000000000000001}',
    )
    assert.deepEqual(values(rows), ['E_UNSAFE_INTEGER at 1', { id: '12345678901234567890' }, { n: 1 }])
  })

  it('unpacks gzip by its content, whatever its name', async () => {
    const packed = gzipSync('a\n1\n')
    assert.deepEqual(values(await read('a.csv.gz', packed)), [{ a: 1 }])
    assert.deepEqual(values(await read('b.csv', Buffer.concat([packed, gzipSync('2\n')]))), [
      { a: 1 },
      { a: 2 },
    ])
  })

  it('knows the format without a name to go by', async () => {
    assert.deepEqual(values(await read('data', '\n{"a":1}\n')), [{ a: 1 }])
    assert.deepEqual(values(await read('data', 'a\n1\n')), [{ a: 1 }])
    assert.deepEqual(values(await read('data.txt', '1\n2\n', { format: 'jsonl' })), [1, 2])
  })

  it('an empty file has no rows, and so has one with a header alone', async () => {
    for (const text of ['', '\n', 'a,b\n']) assert.deepEqual(await read('a.csv', text), [])
    assert.deepEqual(await read('a.jsonl', ''), [])
    assert.deepEqual(await read('a.csv.gz', gzipSync('')), [])
  })

  it('reads a line that is longer than any chunk', async () => {
    const long = 'é'.repeat(700_000)
    assert.deepEqual(values(await read('a.jsonl', `"${long}"\n1\n`)), [long, 1])
    assert.deepEqual(values(await read('a.csv', `a,b\n"${long}",1\n`)), [{ a: long, b: 1 }])
  })

  it('says what is wrong with a file as a whole', async () => {
    const latin1 = Buffer.from('name\nJos\xe9\n', 'latin1')
    const cases: readonly (readonly [string, string | Buffer, string])[] = [
      ['latin1.csv', latin1, 'E_NOT_UTF8 at 1'],
      ['cut.csv.gz', gzipSync('a\n1\n'.repeat(99)).subarray(0, 20), 'E_GZIP'],
      ['damaged.csv.gz', Buffer.concat([gzipSync('a\n').subarray(0, 10), Buffer.alloc(9, 7)]), 'E_GZIP'],
    ]
    for (const [name, content, expected] of cases) {
      await assert.rejects(
        read(name, content),
        (error) => {
          assert.equal(problem(error), expected)
          return true
        },
        name,
      )
    }
    await assert.rejects(openRows(join(folder, 'absent.csv'), { stop: never }), { code: 'E_FILE_NOT_FOUND' })
    await assert.rejects(openRows(folder, { stop: never }), { code: 'E_FILE_UNREADABLE' })
  })
})
