import assert from 'node:assert/strict'
import { minutes } from '../../lib/core/duration.js'
import { arrivals, expectConverges, TopologyTestDriver } from '../../test-driver/index.js'
import consultants, { advice, type Mood, moods, recommendations } from '../../topologies/consultants.js'

const NINE = Date.UTC(2026, 2, 2, 9)
const at = (minute: number): number => NINE + minute * 60_000

const recommendation = (id: string, consultant: string, minute: number) => ({
  key: consultant,
  value: { id, consultant, client: 'C1', product: 'pension', eventTime: at(minute) },
})
const mood = (consultant: string, minute: number, name: string) => ({
  key: consultant,
  value: { consultant, mood: name, eventTime: at(minute) },
})

describe('the consultants', () => {
  let driver: TopologyTestDriver
  beforeEach(() => {
    driver = new TopologyTestDriver(consultants)
  })
  afterEach(() => driver.close())

  const recommend = (id: string, consultant: string, minute: number): void => {
    driver.inputTopic(recommendations).pipeRecord(recommendation(id, consultant, minute))
  }
  const feel = (consultant: string, minute: number, name: string): void => {
    driver.inputTopic(moods).pipeRecord(mood(consultant, minute, name))
  }
  const moodsGiven = (id: string) => driver.revisions(advice, id).map(({ value }) => value?.mood)

  it('a recommendation is answered at once, with the mood of then', () => {
    feel('ada', 1, 'calm')
    feel('ada', 8, 'tired')
    recommend('R1', 'ada', 5)
    recommend('R2', 'ada', 8)
    recommend('R3', 'ben', 5)
    assert.deepEqual(['R1', 'R2', 'R3'].map(moodsGiven), [['calm'], ['tired'], ['unknown']])
  })

  it('a late mood corrects advice already given, and says that it did', () => {
    recommend('R1', 'ada', 5)
    recommend('R2', 'ada', 7)
    feel('ada', 6, 'tense')
    const revisions = driver.revisions(advice, 'R2')
    assert.deepEqual(
      revisions.map(({ revision, value, asOf, cause }) => [revision, value?.mood, asOf, cause]),
      [
        ['1.0', 'unknown', undefined, undefined],
        ['1.1', 'tense', at(6), 'moods-0@0'],
      ],
    )
    assert.deepEqual(moodsGiven('R1'), ['unknown'])
  })

  it('a mood that is taken back leaves the mood unknown', () => {
    feel('ada', 1, 'calm')
    recommend('R1', 'ada', 5)
    driver.inputTopic(moods).pipeTombstone('ada', at(3))
    assert.deepEqual(moodsGiven('R1'), ['calm', 'unknown'])
  })

  it('answers do not depend on the order of arrival', () => {
    const names = ['calm', 'tense', 'tired']
    const who = ['ada', 'ben']
    const made = Array.from({ length: 25 }, (_, i) => recommendation(`R${i}`, who[i % 2]!, i))
    const felt = Array.from({ length: 25 }, (_, i): { key: string; value: Mood } =>
      mood(who[(i >> 1) % 2]!, i, names[i % 3]!),
    )
    expectConverges(consultants, [arrivals(recommendations, made), arrivals(moods, felt)], {
      seeds: 20,
      gracePeriod: minutes(9),
    })
  })
})
