import { connectDirectory, openBroker } from '../brokers/embedded/open.js'
import type { OpenKafkaBroker } from '../brokers/kafka/broker.js'
import type { Broker } from '../brokers/port.js'
import type { Topology } from '../topology/topology.js'
import { usageError } from './arguments.js'
import type { Arguments, Option } from './command.js'
import { kafkaOptions } from './kafka-options.js'
import { directoryFor, existing } from './places.js'

/** Where the topics of a command are: in a folder, or on Apache Kafka. */
export type Place = { readonly directory: string } | { readonly kafka: OpenKafkaBroker }

/** The options that say where. */
export const PLACE_OPTIONS: { readonly [name: string]: Option } = {
  dir: {
    type: 'string',
    value: 'DIR',
    help: 'The folder of the topics; else that of --topology, else the only one in .revlog',
  },
  brokers: {
    type: 'string',
    value: 'HOST:PORT',
    help: 'Topics of Apache Kafka instead, at these brokers, with commas between them; also REVLOG_BROKERS. TLS and passwords come from the environment: REVLOG_TLS_CA_FILE, REVLOG_SASL_MECHANISM, REVLOG_SASL_USERNAME, REVLOG_SASL_PASSWORD_FILE, … (docs/kafka.md)',
  },
}

/**
 * What the command line says, before the environment: a folder that is named is meant, whatever `REVLOG_BROKERS` is.
 *
 * @throws RevlogError `E_USAGE`, `E_CONFIG`
 */
export function placeFor(command: string, args: Arguments, topology: Topology | undefined): Place {
  const directory = args.text('dir')
  const addresses = args.text('brokers')
  if (directory !== undefined && addresses !== undefined) {
    throw usageError(command, '--dir is a folder and --brokers is Kafka', 'choose one of them')
  }
  const { REVLOG_BROKERS } = process.env
  const brokers = directory === undefined ? (addresses ?? REVLOG_BROKERS) : undefined
  return brokers === undefined
    ? { directory: directoryFor(command, directory, topology) }
    : { kafka: kafkaOptions(command, brokers, process.env) }
}

/** A place to read from. @throws RevlogError `E_DIRECTORY_NOT_FOUND` */
export function placeToRead(place: Place): Place {
  if ('directory' in place) existing(place.directory)
  return place
}

/** Opens the broker of a place, a folder's held by this process or by another one, and closes it whatever happens. */
export async function withBroker<T>(place: Place, use: (broker: Broker) => Promise<T>): Promise<T> {
  const broker = await ('kafka' in place ? openKafka(place.kafka) : openBroker(place.directory))
  try {
    return await use(broker)
  } finally {
    await broker.close()
  }
}

/** A broker that this process does not hold: of a folder it is the one of the process that does. */
export const connectBroker = (place: Place): Promise<Broker> =>
  'kafka' in place ? openKafka(place.kafka) : connectDirectory(place.directory)

/** The client of Kafka is loaded when it is wanted: most commands start without it. */
async function openKafka(options: OpenKafkaBroker): Promise<Broker> {
  const { openKafkaBroker } = await import('../brokers/kafka/broker.js')
  return openKafkaBroker(options)
}
