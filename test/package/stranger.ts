/** What a stranger writes after `npm install revlog`: through all three doors, and nothing else. */

const TOPOLOGY = `
const orders = topic('orders', { key: string(), value: json<{ amount: number }>() })
const totals = topic('totals', { key: string(), value: float64() })

const sums = stream(orders)
  .groupByKey()
  .aggregate({ name: 'sums', init: () => 0, add: (sum, order) => sum + order.amount, value: float64() })

export const shop = topology('shop', [sums.toStream().to(totals)])

const driver = new TopologyTestDriver(shop)
const input = driver.inputTopic(orders)
input.pipeInput('ann', { amount: 2 })
input.pipeInput('ann', { amount: 3 })
`

const CORE = `import { float64, json, stream, string, topic, topology } from 'revlog'\n`
const DRIVER = `import { TopologyTestDriver } from 'revlog/test-driver'\n`
const SERVICE = `import { run, type RunOptions } from 'revlog/service'\n`

/** Compiles only if the types arrive: the last lines are wrong without them. */
export const typescript = `${CORE}${DRIVER}${SERVICE}${TOPOLOGY}
const total: number | undefined = driver.lastRevisions(totals).get('ann')
// @ts-expect-error a total is no string
const wrong: string | undefined = driver.lastRevisions(totals).get('ann')
const start = (options: RunOptions) => run(shop, options)
console.log(total, wrong, start)
`

export const javascript = `${CORE}${DRIVER}${TOPOLOGY.replace(/<\{.*?\}>/, '')}
console.log(JSON.stringify(driver.outputTopic(totals).readKeyValuesToList()))
driver.close()
`

export const JAVASCRIPT_PRINTS = '[{"key":"ann","value":2},{"key":"ann","value":5}]\n'

/** Node can \`require\` an ES module that does not await at its top level. */
export const commonjs = `const { string, topic } = require('revlog')
const { TopologyTestDriver } = require('revlog/test-driver')
const { run } = require('revlog/service')
console.log(topic('orders', { key: string(), value: string() }).name, typeof TopologyTestDriver, typeof run)
`

export const tsconfig = (
  module: string,
  moduleResolution: string,
  typeRoots: string,
  skipLibCheck: boolean,
): string =>
  JSON.stringify({
    compilerOptions: {
      target: 'es2022',
      module,
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck,
      typeRoots: [typeRoots],
      types: ['node'],
    },
    files: ['shop.ts'],
  })
