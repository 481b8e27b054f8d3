import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The newest releases when this was written: the one that suites run on, and the one of the compatibility run. */
export const NEWEST = '4.4.0'
export const OLDEST = '3.9.2'

/** A first download takes half a minute; what takes ten times that has no network. */
const MAVEN_TIMEOUT_MS = 300_000

function cacheFolder(): string {
  const { XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env
  return join(XDG_CACHE_HOME, 'revlog-test-kafka')
}

/** Whether they are in the cache, so that Maven is not needed any more. */
export const hasJars = (version: string): boolean => existsSync(join(cacheFolder(), version))

/**
 * The folder with the jars of a Kafka release: from the cache, else put there by Maven, from its own repository when
 * it has them and from the network when not. Some 50 jars, 45 MB.
 */
export async function jarsOf(version: string): Promise<string> {
  const folder = join(cacheFolder(), version)
  if (existsSync(folder)) return folder
  await mkdir(cacheFolder(), { recursive: true })
  const work = await mkdtemp(join(cacheFolder(), '.new-'))
  try {
    await writeFile(join(work, 'pom.xml'), pom(version))
    const jars = join(work, 'jars')
    if (!(await maven(work, jars, '--offline')).ok) {
      const { ok, said } = await maven(work, jars)
      if (!ok) throw new Error(`Maven cannot get Kafka ${version}: ${said}`)
    }
    // Whoever is first has put the same there.
    await rename(jars, folder).catch((thrown: unknown) => {
      if (!existsSync(folder)) throw thrown
    })
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The broker runs without kafka-tools-api, which some releases lack on Maven Central; reload4j would swallow its log. */
const pom = (version: string): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>revlog</groupId><artifactId>test-kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version>
      <exclusions>
        <exclusion><groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId></exclusion>
        <exclusion><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId></exclusion>
      </exclusions>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`

function maven(work: string, jars: string, ...flags: readonly string[]): Promise<Ended> {
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`]
  return run('mvn', [...flags, '-q', '-B', '-f', join(work, 'pom.xml'), ...copy], MAVEN_TIMEOUT_MS)
}

export interface Ended {
  readonly ok: boolean
  /** The last of what it printed. */
  readonly said: string
}

/** Runs a program to its end. One that is not there has ended badly, too. */
export function run(program: string, args: readonly string[], timeoutMs = 60_000): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs })
    let said = ''
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-2_000)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.on('error', (error) => resolve({ ok: false, said: error.message }))
    child.on('close', (code) => resolve({ ok: code === 0, said: said.trim() }))
  })
}
