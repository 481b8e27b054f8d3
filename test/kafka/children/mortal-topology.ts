import { int64, stream, string, topic, topology } from 'revlog'

// Words that end the thread that reads them, each in a way that no topology can catch, and one that never ends.
const { REVLOG_TEST_NAME: name } = process.env
const words = topic(`${name}-words`, { key: string(), value: string() })
const lengths = topic(`${name}-lengths`, { key: string(), value: int64() })
const kept: string[][] = []

function lengthOf(word: string): number {
  if (word === 'throw') {
    setTimeout(() => {
      throw new Error('nobody catches this')
    })
  }
  while (word === 'grow') kept.push(Array.from({ length: 1_000 }, (_, i) => `${word} ${i}`))
  if (word === 'exit') process.exit(3)
  while (word === 'loop');
  return word.length
}

export default topology(name!, [stream(words).mapValues(lengthOf, { value: int64() }).to(lengths)])
