#!/usr/bin/env node
import { createRequire } from 'node:module'
import { messageOf, RevlogError } from '../core/errors.js'
import { nearest, parseArguments, usageError } from './arguments.js'
import type { Command } from './command.js'
import { consume } from './commands/consume.js'
import { doctor } from './commands/doctor.js'
import { lag } from './commands/lag.js'
import { printTopology } from './commands/print-topology.js'
import { produce } from './commands/produce.js'
import { reset } from './commands/reset.js'
import { run } from './commands/run.js'
import { commandHelp, overview } from './help.js'
import { createScreen, OutputClosed, type Screen } from './screen.js'

const COMMANDS: readonly Command[] = [run, produce, consume, printTopology, doctor, lag, reset]

async function main(words: readonly string[], screen: Screen): Promise<void> {
  const [name, ...rest] = words
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = COMMANDS.find((command) => command.name === rest[0])
    return screen.result(about === undefined ? overview(COMMANDS) : commandHelp(about))
  }
  if (name === '--version' || name === '-v') return screen.result(version())
  const command = COMMANDS.find((one) => one.name === name)
  if (command === undefined) {
    const near = nearest(name, COMMANDS.map((one) => one.name)) // biome-ignore format: one thought
    throw usageError(
      undefined,
      `there is no command ${name}`,
      near === undefined ? undefined : `did you mean ${near}?`,
    )
  }
  const options = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest
  if (options.includes('--help') || options.includes('-h')) return screen.result(commandHelp(command))
  await command.run(parseArguments(command, rest), { screen, stop: stopSignal(screen) })
}

/** The first SIGINT or SIGTERM asks for an orderly end; a second one does not wait for it. */
function stopSignal(screen: Screen): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
      screen.say(`${signal}: finishing what is begun; once more to end at once`)
      controller.abort()
    })
  }
  return controller.signal
}

function version(): string {
  const { version: text } = createRequire(import.meta.url)('../../../package.json') as { version: string }
  return text
}

/** 0: nothing is wrong; 1: it failed; 2: it was called wrongly. */
function report(thrown: unknown, screen: Screen): number {
  if (thrown instanceof OutputClosed) return 0
  screen.say(`revlog: ${describe(thrown)}`)
  return thrown instanceof RevlogError && thrown.code === 'E_USAGE' ? 2 : 1
}

function describe(thrown: unknown): string {
  const coded = thrown instanceof Error && thrown.name === 'RevlogError'
  if (!coded) return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  const causes: string[] = []
  for (let cause = thrown.cause; cause instanceof Error; cause = cause.cause) {
    if (!thrown.message.includes(messageOf(cause))) causes.push(`\n  because: ${messageOf(cause)}`)
  }
  return `${thrown.message}${causes.join('')}`
}

const screen = createScreen(process.stdout, process.stderr)
const code = await main(process.argv.slice(2), screen)
  .then(() => screen.flush())
  .then(() => 0)
  .catch((thrown: unknown) => report(thrown, screen))
process.exit(code)
