import assert from 'node:assert/strict'
import { type Folder, lines } from '../cli/revlog.js'
import { makeShopTopics, shopFolder } from './shop.js'
import { describeKafka } from './suite.js'

describeKafka('revlog lag', (kafka) => {
  let folder: Folder
  let name: string
  const brokers = (): string[] => ['--brokers', kafka().address]
  const lag = async (): Promise<any> => {
    const { code, out, err } = await folder.revlog(['lag', 'shop.js', '--json', ...brokers()])
    assert.equal(code, 0, err)
    return lines(out)[0]
  }
  beforeEach(async () => {
    name = kafka().name('shop')
    folder = shopFolder(name)
  })
  afterEach(() => folder.remove())

  it('says how far each task is behind in each input, before the first run, between runs and when all is done', async () => {
    const absent = await lag()
    assert.deepEqual([absent.missing, absent.inputs, absent.total], [[`${name}-orders`], [], 0])
    await makeShopTopics(kafka().address, name, 2)
    const produce = ['produce', `${name}-orders`, 'orders.csv', '--topology', 'shop.js', ...brokers()]
    assert.equal((await folder.revlog(produce)).code, 0)
    const never = await lag()
    assert.deepEqual([never.application, never.total, never.members], [name, 3, 0])
    assert.deepEqual(
      never.inputs.map(({ task, topic, partition, position }: any) => [task, topic, partition, position]),
      [
        ['total_0', `${name}-orders`, 0, null],
        ['total_1', `${name}-orders`, 1, null],
      ],
    )
    assert.equal((await folder.revlog(['run', 'shop.js', '--until-end', ...brokers()])).code, 0)
    const done = await lag()
    assert.deepEqual([done.total, done.inputs.every((i: any) => i.position === i.end)], [0, true])
    assert.equal((await folder.revlog(produce)).code, 0)
    assert.equal((await lag()).total, 3)
    const { out } = await folder.revlog(['lag', 'shop.js', ...brokers()])
    assert.match(out, /^task {5}input +position {2}end {2}lag\ntotal_0 {2}\S+-orders\/0 +\d +\d +\d\n/)
    assert.match(out, /: 3 offsets behind; group Empty, 0 members\n$/)
  })

  it('is watched until it is stopped', async () => {
    await makeShopTopics(kafka().address, name, 1)
    const watching = folder.start(['lag', 'shop.js', '--watch', ...brokers()])
    await watching.says('0/s')
    watching.process.kill('SIGINT')
    const { code, out } = await watching.ended
    assert.deepEqual([code, (out.match(/0 offsets behind/g) ?? []).length >= 2], [0, true])
  })
})
