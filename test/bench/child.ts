import { BENCHMARKS, type BenchOptions } from './benchmarks.js'

/** One benchmark in a process of its own: its name and the options as JSON; prints the result as a line of JSON. */
const [name, options] = process.argv.slice(2)
const benchmark = BENCHMARKS.find((b) => b.name === name)
if (benchmark === undefined) throw new RangeError(`there is no benchmark ${name}`)
console.log(JSON.stringify(await benchmark.run(JSON.parse(options!) as BenchOptions)))
