import { countingOf } from '../service/counting.js'

// For threads: every one of them makes its own.
const { REVLOG_TEST_NAME: name } = process.env
export default countingOf(name!).topology
