import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { askYes } from '../../lib/cli/ask.js'

describe('a question to a person', () => {
  async function answer(write: (input: PassThrough, stop: AbortController) => unknown) {
    const [input, output, stop] = [new PassThrough(), new PassThrough(), new AbortController()]
    const asked = askYes('Do this? ', input, output, stop.signal)
    write(input, stop)
    const yes = await asked
    return [yes, String(output.read())]
  }

  for (const text of ['yes\n', ' YES \n', 'yes\r\n']) {
    it(`is answered by ${JSON.stringify(text)}`, async () => {
      assert.deepEqual(await answer((input) => input.write(text)), [true, 'Do this? '])
    })
  }

  for (const text of ['no\n', 'y\n', '\n', 'yes please\n']) {
    it(`is not answered by ${JSON.stringify(text)}`, async () => {
      assert.deepEqual(await answer((input) => input.write(text)), [false, 'Do this? '])
    })
  }

  it('is answered with no by the end of the input, and by who wants to stop', async () => {
    assert.deepEqual(await answer((input) => input.end()), [false, 'Do this? '])
    assert.deepEqual(await answer((_, stop) => stop.abort()), [false, 'Do this? '])
  })
})
