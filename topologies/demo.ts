import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, type Service } from 'revlog/service'
import consultants from './consultants.js'
import { type Answers, readAnswers } from './demo/answers.js'
import { batchJoin } from './demo/batch-join.js'
import { type Arrival, seeded, workingDay } from './demo/day.js'
import { type Delays, measureDelays } from './demo/delays.js'
import { feed, linesOf } from './demo/feed.js'
import { count, span } from './demo/paint.js'
import { corrections, firstAnswer, instantOf, SCENES, type SceneName, sceneOf } from './demo/scenes.js'
import { createStage, type Stage } from './demo/stage.js'

// `npm start`: a day of recommendations and moods, late and out of order, through the topology of consultants.ts on
// the embedded broker. It shows first answers and their corrections, and checks the last ones against a batch join.

const SEED = 2092
const RECOMMENDATIONS = 3_000
const MOODS = 1_000
const DIRECTORY = '.revlog/demo'
const INPUT = '.revlog/day'
/** First answers that are shown. */
const FIRST = 5
/** Arrivals that are answered one by one, so that each correction is seen with the mood that caused it. */
const ONE_BY_ONE = 500
/** Arrivals that come together after that. */
const TOGETHER = 25

async function main(): Promise<void> {
  const stage = createStage(process.stdout, process.env)
  const day = workingDay(seeded(SEED), RECOMMENDATIONS, MOODS)
  await title(stage)
  const service = await startAnew()
  const answers = readAnswers(service)
  const delays = measureDelays(day)
  const fed = await tellScenes(stage, service, answers, day, delays)
  await theRest(stage, service, answers, day.slice(fed), delays)
  await summary(stage, answers, day, delays)
  await service.stop()
  await whatNext(stage, day, answers.mostRevised())
}

async function title(stage: Stage): Promise<void> {
  const { bold, dim } = stage.paint
  await stage.line()
  await stage.line(bold(' revlog: joins that correct themselves'))
  await stage.line(dim(' ─────────────────────────────────────────────────────────────────────────────'))
  await stage.line(
    ` ${count(RECOMMENDATIONS)} recommendations of one day, each to be joined with the mood that its`,
  )
  await stage.line(' consultant was in when making it. Three moods in ten arrive late, by up to')
  await stage.line(' nine minutes. No broker to install: all of it runs in this process.')
}

/** Opening the folder first makes sure that nobody else works in it; only then is what it holds removed. */
async function startAnew(): Promise<Service> {
  const before = await run(consultants, { directory: DIRECTORY })
  await before.stop()
  rmSync(DIRECTORY, { recursive: true })
  return run(consultants, { directory: DIRECTORY })
}

/** Feeds arrivals one by one until every scene was shown; returns how many. */
async function tellScenes(
  stage: Stage,
  service: Service,
  answers: Answers,
  day: readonly Arrival[],
  delays: Delays,
): Promise<number> {
  const told = new Set<SceneName>()
  const heard = new Set<string>()
  let firsts = 0
  let fed = 0
  while (fed < ONE_BY_ONE && (firsts < FIRST || told.size < Object.keys(SCENES).length)) {
    const arrival = day[fed++]!
    await feed(service, [arrival])
    const fresh = await answers.fresh()
    delays.note(fresh)
    const name = sceneOf(arrival, fresh, heard)
    if (arrival.kind === 'mood') heard.add(instantOf(arrival))
    const isShown =
      name === 'first' ? firsts < FIRST : name !== undefined && firsts >= FIRST && !told.has(name)
    if (name === undefined || !isShown) continue
    if (!told.has(name)) await stage.scene(SCENES[name])
    told.add(name)
    if (arrival.kind === 'recommendation') {
      firsts++
      await stage.line(firstAnswer(fresh[0]!, stage.paint))
    } else {
      for (const line of corrections(arrival, fresh, stage.paint)) await stage.line(line)
    }
  }
  return fed
}

/** The day goes on, faster than anybody could read. */
async function theRest(
  stage: Stage,
  service: Service,
  answers: Answers,
  rest: readonly Arrival[],
  delays: Delays,
): Promise<void> {
  await stage.scene({
    title: 'The rest of the day, faster than real time.',
    why: 'A correction is one more record, not a recomputation.',
  })
  for (let at = 0; at < rest.length; at += TOGETHER) {
    await feed(service, rest.slice(at, at + TOGETHER))
    delays.note(await answers.fresh())
    const text = `${count(answers.last.size)} answers, ${count(delays.count())} corrections`
    stage.bar(Math.min(1, (at + TOGETHER) / rest.length), text)
  }
}

async function summary(
  stage: Stage,
  answers: Answers,
  day: readonly Arrival[],
  delays: Delays,
): Promise<void> {
  const { bold, green, red } = stage.paint
  const truth = batchJoin(day)
  const wrong = (said: ReadonlyMap<string, string>): number =>
    [...truth].filter(([id, mood]) => said.get(id) !== mood).length
  const figure = (n: number): string => count(n).padStart(8)
  const wrongFirst = wrong(answers.first)
  const wrongLast = wrong(answers.last)
  const share = ((100 * wrongFirst) / truth.size).toFixed(1)
  await stage.scene({
    title: 'What a reader of the last revisions has at the end of the day.',
    why: 'Checked against a batch join over the whole day, written apart from revlog.',
  })
  const within = (quantile: number): string => span(delays.quantile(quantile))
  await stage.line(`    recommendations     ${figure(truth.size)}   each answered at once`)
  await stage.line(
    `    first answers wrong ${red(figure(wrongFirst))}   ${share} %, for want of moods still to come`,
  )
  await stage.line(
    `    corrections         ${figure(delays.count())}   half within ${within(0.5)} of the answer,`,
  )
  await stage.line(`                                   99 % within ${within(0.99)}`)
  await stage.line(`    final answers wrong ${bold((wrongLast === 0 ? green : red)(figure(wrongLast)))}`)
  if (wrongLast > 0) process.exitCode = 1
}

/** Three commands that work as they stand. */
async function whatNext(stage: Stage, day: readonly Arrival[], id: string): Promise<void> {
  const { bold, cyan, dim } = stage.paint
  const topology = relative('.', fileURLToPath(new URL('./consultants.js', import.meta.url)))
  mkdirSync(INPUT, { recursive: true })
  writeFileSync(join(INPUT, 'moods.jsonl'), linesOf(day, 'mood'))
  writeFileSync(join(INPUT, 'recommendations.jsonl'), linesOf(day, 'recommendation'))
  await stage.line()
  await stage.line(bold(' Try next'))
  await stage.line(dim(`    Topics and state are in ${DIRECTORY}, the day's input in ${INPUT}.`))
  await stage.line()
  await stage.line('    The table of last revisions:')
  await stage.line(cyan(`      npx revlog consume advice --dir ${DIRECTORY} --table | head -3`))
  await stage.line('    Every revision of one answer:')
  await stage.line(cyan(`      npx revlog consume advice --dir ${DIRECTORY} | grep ${id}`))
  await stage.line('    The same topology over files:')
  await stage.line(cyan(`      npx revlog run ${topology} --table advice \\`))
  await stage.line(cyan(`        --from moods=${INPUT}/moods.jsonl \\`))
  await stage.line(cyan(`        --from recommendations=${INPUT}/recommendations.jsonl | tail -3`))
  await stage.line()
}

// `npm start | head`: who has seen enough has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
await main()
