/** The name of a repartition topic: predictable, and stable while the name that the user gave stays. */
export const repartitionTopic = (application: string, name: string): string =>
  `${application}-${name}-repartition`
