import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './jars.js'

/** As PEM. */
export interface Certificates {
  /** The authority that has signed the others. */
  readonly ca: string
  readonly clientCertificate: string
  readonly clientKey: string
  /** For Kafka's own configuration: the key, the certificate and the authority of the broker, and the authority alone. */
  readonly keystoreFile: string
  /** The same with a certificate that has expired. */
  readonly expiredFile: string
  readonly truststoreFile: string
}

/** Makes an authority, a broker `localhost` and a client in a folder, for two days. `undefined` without openssl. */
export async function makeCertificates(folder: string): Promise<Certificates | undefined> {
  if (!(await run('openssl', ['version'])).ok) return undefined
  const file = (name: string): string => join(folder, name)
  const openssl = async (...args: readonly string[]): Promise<void> => {
    const { ok, said } = await run('openssl', args)
    if (!ok) throw new Error(`openssl ${args[0]}: ${said}`)
  }
  const key = ['-newkey', 'rsa:2048', '-nodes']
  const days = (n: number): string[] => ['-days', `${n}`]
  const caFiles = ['-keyout', file('ca.key'), '-out', file('ca.pem')]
  await openssl('req', '-x509', ...key, ...days(2), '-subj', '/CN=revlog-test-ca', ...caFiles)
  await writeFile(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const sign = async (name: string, subject: string, forDays = 2): Promise<void> => {
    const request = ['-keyout', file(`${name}.key`), '-out', file(`${name}.csr`)]
    await openssl('req', ...key, '-subj', `/CN=${subject}`, ...request)
    const ca = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial']
    const files = ['-in', file(`${name}.csr`), '-extfile', file('names'), '-out', file(`${name}.pem`)]
    await openssl('x509', '-req', ...ca, ...days(forDays), ...files)
  }
  await sign('broker', 'localhost')
  await sign('expired', 'localhost', -1)
  await sign('client', 'client')
  const text = (name: string): Promise<string> => readFile(file(name), 'utf8')
  const ca = await text('ca.pem')
  for (const [name, keystore] of [
    ['broker', 'keystore.pem'],
    ['expired', 'expired-keystore.pem'],
  ] as const) {
    await writeFile(file(keystore), [await text(`${name}.key`), await text(`${name}.pem`), ca].join(''))
  }
  return {
    ca,
    clientCertificate: await text('client.pem'),
    clientKey: await text('client.key'),
    keystoreFile: file('keystore.pem'),
    expiredFile: file('expired-keystore.pem'),
    truststoreFile: file('ca.pem'),
  }
}
