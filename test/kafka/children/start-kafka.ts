import { startKafka } from '../broker.js'

/** Starts a broker of the release that is named, says where it is, and waits to be killed. */
const { address, folder } = await startKafka({ version: process.argv[2]! })
console.log(JSON.stringify({ address, folder }))
setInterval(() => {}, 60_000)
