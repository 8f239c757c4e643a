import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupIdOf, groupOf, parkedTopicOf, topicOf } from './names.ts'

test('no two names are one topic, not even in Kafka’s metrics, which take . and _ for the same', () => {
  const names = ['a', 'a.b', 'a_b', 'a-b', 'a__b', 'a_.b', 'a_b.c', 'a.b_c', 'shop.views', 'shop_views', 'a..b']
  const legal = names.filter((name) => !name.includes('..')) // a block's name begins with a letter
  const topics = legal.map((name) => topicOf(name).replaceAll('.', '_'))
  assert.equal(new Set(topics).size, legal.length)
  assert.equal(topicOf('shop.views'), 'shop.views')
})

test('a name that is too long is cut, and still its own', () => {
  const [one, two] = [topicOf('s'.repeat(300) + '1'), topicOf('s'.repeat(300) + '2')]
  assert.notEqual(one, two)
  for (const topic of [one, two]) {
    assert.ok(parkedTopicOf(topic).length <= 249)
    assert.match(parkedTopicOf(topic), /^[A-Za-z0-9._-]+$/)
  }
})

test('groups of two streams are never one', () => {
  assert.notEqual(groupIdOf('shop', 'x.y'), groupIdOf('shop.x', 'y'))
  assert.equal(groupOf('shop', groupIdOf('shop', 'x.y')), 'x.y')
  assert.equal(groupOf('shop', groupIdOf('shop.x', 'y')), undefined)
})
