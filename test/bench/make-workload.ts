import { type WorkloadName, writeWorkload } from './workload.js'

/** Writes a workload: its name, the file, the number of records. */
const [name, file, records] = process.argv.slice(2)
writeWorkload(name as WorkloadName, file!, Number(records))
