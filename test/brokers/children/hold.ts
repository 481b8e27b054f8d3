/** Holds the directory that it is given until it is killed. */
import { openDirectory } from '../../../lib/brokers/embedded/directory.js'
import { RevlogError } from '../../../lib/core/errors.js'

const path = process.argv[2]!
try {
  await openDirectory(path)
  console.log('held')
} catch (thrown) {
  if (!(thrown instanceof RevlogError)) throw thrown
  console.log(thrown.message.split('\n')[0])
}
