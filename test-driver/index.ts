export { type ArrivalOptions, type Arrivals, arrivals } from './convergence/arrivals.js'
export type { Difference } from './convergence/differences.js'
export {
  type ConvergenceFailure,
  type ConvergenceOptions,
  expectConverges,
} from './convergence/expect-converges.js'
export type { Fault } from './convergence/schedule.js'
export type { TestDriverOptions } from './driver-options.js'
export type { Crash } from './host.js'
export type { InputTopicOptions, Place, TestInput, TestInputTopic } from './input-topic.js'
export type { KeyValue, TestOutputTopic, TestRecord } from './output-topic.js'
export type { TestRevision } from './revision-log.js'
export type { ChangelogEntry } from './task-changelog.js'
export { type TestTask, TopologyTestDriver } from './topology-test-driver.js'
