import { connectDirectory, openBroker } from '../brokers/embedded/open.js'
import type { KafkaBroker, OpenKafkaBroker } from '../brokers/kafka/broker.js'
import type { Broker } from '../brokers/port.js'
import type { Topology } from '../topology/topology.js'
import { usageError } from './arguments.js'
import type { Arguments, Option } from './command.js'
import { brokersOf, KAFKA_OPTIONS, kafkaOptions } from './kafka-options.js'
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
  ...KAFKA_OPTIONS,
}

/**
 * What the command line says, before the environment: a folder that is named is meant, whatever `REVLOG_BROKERS` is.
 *
 * @throws RevlogError `E_USAGE`, `E_CONFIG`
 */
export function placeFor(command: string, args: Arguments, topology: Topology | undefined): Place {
  const directory = args.text('dir')
  if (directory !== undefined && args.text('brokers') !== undefined) {
    throw usageError(command, '--dir is a folder and --brokers is Kafka', 'choose one of them')
  }
  const brokers = directory === undefined ? brokersOf(args, process.env) : undefined
  return brokers === undefined
    ? { directory: directoryFor(command, directory, topology) }
    : { kafka: kafkaOptions(command, brokers, args, process.env) }
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

/** Opens Kafka, and closes it whatever happens. */
export async function withKafka<T>(
  options: OpenKafkaBroker,
  use: (kafka: KafkaBroker) => Promise<T>,
): Promise<T> {
  const kafka = await openKafka(options)
  try {
    return await use(kafka)
  } finally {
    await kafka.close()
  }
}

/** The client of Kafka is loaded when it is wanted: most commands start without it. */
async function openKafka(options: OpenKafkaBroker): Promise<KafkaBroker> {
  const { openKafkaBroker } = await import('../brokers/kafka/broker.js')
  return openKafkaBroker(options)
}
