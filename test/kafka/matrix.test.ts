import { report } from './matrix/report.js'
import { type Outcome, type Run, runOnce } from './matrix/run.js'
import { describeOwnKafka } from './suite.js'

const { REVLOG_MATRIX_RUNS = '6', REVLOG_MATRIX_SEED = '1' } = process.env
const RUNS = Number(REVLOG_MATRIX_RUNS)
const FIRST = Number(REVLOG_MATRIX_SEED)
const RUN_TIMEOUT_MS = 300_000

const APPLICATIONS = ['counter', 'asOf', 'aggregate'] as const
const GUARANTEES = ['at_least_once', 'exactly_once'] as const

/** A seed says everything of its run. */
const runOf = (seed: number): Run => ({
  seed,
  application: APPLICATIONS[seed % 3]!,
  guarantee: GUARANTEES[Math.floor(seed / 3) % 2]!,
})

describeOwnKafka(
  'the kill matrix, on Apache Kafka',
  {
    proxies: 4,
    properties: { 'file.delete.delay.ms': '1000' },
  },
  (kafka) => {
    const outcomes: Outcome[] = []
    let failed = 0
    for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
      const run = runOf(seed)
      it(`seed ${seed}: ${run.application}, ${run.guarantee}`, async () => {
        failed++
        const outcome = await runOnce(run, kafka()).catch((thrown: unknown) => {
          console.log(String(thrown))
          throw thrown
        })
        failed--
        outcomes.push(outcome)
        const { inputs, faults, takeovers, strays, repeated, lastWords, seconds } = outcome
        const told = [...faults].map(([kind, n]) => (n === 1 ? kind : `${n} × ${kind}`)).join(', ')
        console.log(
          `      ${inputs} inputs; ${told}; ${takeovers} takeovers, ${strays} stray records, ${repeated} repeated, ${lastWords} last words; ${seconds.toFixed(1)} s`,
        )
      }).timeout(RUN_TIMEOUT_MS)
    }
    after(() => {
      if (outcomes.length + failed > 0) console.log(`\n${report(outcomes, failed)}\n`)
    })
  },
)
