import assert from 'node:assert/strict'
import { placeTasks } from '../../../../lib/service/kafka/threads/place-tasks.js'

const tasksOf = (part: string, partitions: number): string[] =>
  Array.from({ length: partitions }, (_, p) => `${part}_${p}`)
const homesOf = (placed: readonly (readonly string[])[]): Map<string, number> =>
  new Map(placed.flatMap((tasks, thread) => tasks.map((task) => [task, thread] as const)))

describe('tasks are placed on threads', () => {
  it('as many on each, and of each part as many', () => {
    const placed = placeTasks([...tasksOf('a', 6), ...tasksOf('b', 6)], 3, new Map())
    for (const tasks of placed) {
      assert.equal(tasks.length, 4)
      assert.equal(tasks.filter((task) => task.startsWith('a')).length, 2)
    }
  })

  it('where they were, when some go and come', () => {
    const all = tasksOf('a', 8)
    const first = placeTasks(all, 2, new Map())
    const homes = homesOf(first)
    const half = all.filter((_, p) => p % 4 < 2)
    for (const [thread, tasks] of placeTasks(half, 2, homes).entries()) {
      for (const task of tasks) assert.equal(homes.get(task), thread)
    }
    assert.deepEqual(
      placeTasks(all, 2, homes).map((tasks) => [...tasks].sort()),
      first.map((tasks) => [...tasks].sort()),
    )
  })

  it('each once and balanced, and no more move than balance needs, whatever was before', () => {
    let seed = 1
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return (seed >>> 8) % n
    }
    for (let round = 0; round < 2_000; round++) {
      const threads = 1 + random(5)
      const all = [...tasksOf('a', random(9)), ...tasksOf('b', random(9))]
      const tasks = all.filter(() => random(3) > 0)
      const homes = new Map(all.filter(() => random(4) > 0).map((task) => [task, random(threads)]))
      const placed = placeTasks(tasks, threads, homes)
      assert.equal(placed.length, threads)
      assert.deepEqual(placed.flat().sort(), [...tasks].sort())
      const sizes = placed.map((mine) => mine.length)
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${sizes}`)
      const stayed = placed.flatMap((mine, thread) =>
        mine.filter((task) => homes.get(task) === thread),
      ).length
      const wanted = placed
        .map((_, thread) => tasks.filter((task) => homes.get(task) === thread).length)
        .sort((a, b) => b - a)
      const most = wanted.reduce((sum, n, rank) => {
        const share = Math.floor(tasks.length / threads) + (rank < tasks.length % threads ? 1 : 0)
        return sum + Math.min(n, share)
      }, 0)
      assert.equal(stayed, most)
    }
  })
})
