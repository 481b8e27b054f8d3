import { SpoiltRun } from '../matrix/forgotten.js'
import { report } from '../matrix/report.js'
import { type Outcome, type Run, runOnce } from '../matrix/run.js'
import { describeOwnKafka } from '../suite.js'

const { REVLOG_MATRIX_RUNS = '6', REVLOG_MATRIX_SEED = '1' } = process.env
const RUNS = Number(REVLOG_MATRIX_RUNS)
const FIRST = Number(REVLOG_MATRIX_SEED)
/** Of a run that the broker spoils. */
const ATTEMPTS = 3
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
    let spoilt = 0
    const runUnspoilt = async (run: Run): Promise<Outcome> => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await runOnce(run, kafka())
        } catch (thrown) {
          console.log(String(thrown))
          if (!(thrown instanceof SpoiltRun) || attempt === ATTEMPTS) throw thrown
          spoilt++
        }
      }
    }
    for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
      const run = runOf(seed)
      it(`seed ${seed}: ${run.application}, ${run.guarantee}`, async () => {
        failed++
        const outcome = await runUnspoilt(run)
        failed--
        outcomes.push(outcome)
        const { inputs, faults, takeovers, strays, repeated, lastWords, seconds } = outcome
        const told = [...faults].map(([kind, n]) => (n === 1 ? kind : `${n} × ${kind}`)).join(', ')
        console.log(
          `      ${inputs} inputs; ${told}; ${takeovers} takeovers, ${strays} stray records, ${repeated} repeated, ${lastWords} last words; ${seconds.toFixed(1)} s`,
        )
      }).timeout(ATTEMPTS * RUN_TIMEOUT_MS)
    }
    after(() => {
      if (outcomes.length + failed > 0) console.log(`\n${report(outcomes, failed, spoilt)}\n`)
    })
  },
)
