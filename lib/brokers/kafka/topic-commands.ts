/** Shell commands of Kafka's own tools, for remedies: whoever reads one can paste it. */
export interface TopicCommands {
  create(name: string, partitions: number, settings: { readonly [setting: string]: string }): string
  configure(name: string, settings: { readonly [setting: string]: string }): string
  addPartitions(name: string, partitions: number): string
}

export function topicCommands(brokers: readonly string[]): TopicCommands {
  const at = `--bootstrap-server ${brokers.join(',')}`
  const topics = (rest: string): string => `kafka-topics.sh ${at} ${rest}`
  return {
    create: (name, partitions, settings) =>
      topics(
        [
          `--create --topic ${name} --partitions ${partitions}`,
          ...Object.entries(settings).map(([setting, value]) => `--config ${setting}=${value}`),
        ].join(' '),
      ),
    configure: (name, settings) =>
      `kafka-configs.sh ${at} --alter --entity-type topics --entity-name ${name} --add-config ${Object.entries(
        settings,
      )
        // A list is in brackets for kafka-configs.sh, which else takes its comma for the next setting.
        .map(([setting, value]) => `${setting}=${value.includes(',') ? `[${value}]` : value}`)
        .join(',')}`,
    addPartitions: (name, partitions) => topics(`--alter --topic ${name} --partitions ${partitions}`),
  }
}
