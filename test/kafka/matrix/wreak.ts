import { rm } from 'node:fs/promises'
import type { KafkaProxy } from '../proxy.js'
import type { OwnKafka } from '../suite.js'
import { type Fault, MEMBERS } from './faults.js'
import type { Place } from './rest.js'

/** How long a failpoint waits for its step. */
const STEP_MS = 3_000

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Makes the faults happen, each its delay after the last one began; they overlap, but at one member only one is at
 * work. Resolves when all are over and the members are up again, with how often each kind did happen.
 */
export async function wreak(
  faults: readonly Fault[],
  places: readonly Place[],
  proxies: readonly KafkaProxy[],
  kafka: OwnKafka,
): Promise<ReadonlyMap<string, number>> {
  const happened = new Map<string, number>()
  const count = (kind: string): void => void happened.set(kind, (happened.get(kind) ?? 0) + 1)
  const busy = new Map<Place, Promise<void>>()
  let broker: Promise<void> = Promise.resolve()

  async function strike(fault: Fault, member: Place, proxy: KafkaProxy): Promise<void> {
    switch (fault.kind) {
      case 'kill':
      case 'wipe':
        await member.kill9()
        if (fault.kind === 'wipe') await rm(member.directory, { recursive: true, force: true })
        count(fault.kind)
        await sleep(fault.downMs)
        return member.start()
      case 'kill in a commit': {
        const step = await member.killedAt(fault.at, STEP_MS)
        if (step === undefined) return
        count(`kill at ${step}`)
        await sleep(fault.downMs)
        return member.start()
      }
      case 'kill in a takeover': {
        await member.kill9()
        count('kill')
        await sleep(fault.downMs)
        void member.start(fault.at)
        const step = await member.killedAt(fault.at, STEP_MS)
        if (step === undefined) return
        count(`kill at ${step}, in a takeover`)
        return member.start()
      }
      case 'freeze':
        member.freeze()
        count(fault.kind)
        await sleep(fault.forMs)
        member.thaw()
        return
      case 'freeze in a commit': {
        const step = await member.frozenAt(fault.at, STEP_MS)
        if (step === undefined) return
        count(`freeze at ${step}`)
        await sleep(fault.forMs)
        member.thaw()
        return
      }
      case 'leave': {
        const code = await member.terminate()
        if (code !== 0) throw new Error(`a member that left ended with ${code}: ${member.said()}`)
        count(fault.kind)
        await sleep(fault.downMs)
        return member.start()
      }
      case 'join': {
        await member.start()
        count(fault.kind)
        await sleep(fault.forMs)
        const code = await member.terminate()
        if (code !== 0) throw new Error(`a member that joined ended with ${code}: ${member.said()}`)
        return
      }
      case 'cut sockets':
        count(fault.kind)
        proxy.cut()
        return
      case 'lose a message': {
        const { how, apiKey } = fault
        await Promise.race([proxy.inject(apiKey, how).then(() => count(String(how))), sleep(STEP_MS)])
        return
      }
      case 'kill the broker':
        return
    }
  }

  for (const fault of faults) {
    await sleep(fault.delayMs)
    if (fault.kind === 'kill the broker') {
      broker = broker.then(async () => {
        await kafka.kill9()
        count(fault.kind)
        await kafka.start()
      })
      broker.catch(() => {})
      continue
    }
    const at = fault.kind === 'join' ? MEMBERS : fault.place
    const member = places[at]!
    await busy.get(member)
    const work = strike(fault, member, proxies[at]!)
    work.catch(() => {})
    busy.set(member, work)
  }
  await Promise.all([broker, ...busy.values()])
  for (const member of places.slice(0, MEMBERS)) if (!member.alive()) await member.start()
  return happened
}
