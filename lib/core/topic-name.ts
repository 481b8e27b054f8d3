import { RevlogError } from './errors.js'

/** @throws RevlogError `E_TOPIC_NAME` for a name that Kafka would refuse. */
export function checkTopicName(name: string): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    throw new RevlogError('E_TOPIC_NAME', `${JSON.stringify(name)} cannot name a topic`, {
      remedy: 'use 1 to 249 of the characters A-Z a-z 0-9 . _ -, and neither "." nor ".."',
    })
  }
}
