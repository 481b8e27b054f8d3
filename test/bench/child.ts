import { BENCHMARKS, type BenchOptions } from './benchmarks.js'
import { withMemoryLimit } from './memory-limit.js'

/** One benchmark in a process of its own: its name and the options as JSON; prints the result as a line of JSON. */
const [name, given] = process.argv.slice(2)
const benchmark = BENCHMARKS.find((b) => b.name === name)
if (benchmark === undefined) throw new RangeError(`there is no benchmark ${name}`)
const options = JSON.parse(given!) as BenchOptions
if (options.memoryMiB === undefined) {
  console.log(JSON.stringify(await benchmark.run(options)))
} else {
  const { result, peakMiB } = await withMemoryLimit(options.memoryMiB, () => benchmark.run(options))
  console.log(JSON.stringify({ ...result, limitMiB: options.memoryMiB, peakInLimitMiB: peakMiB }))
}
