import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, isPassword } from './passwords.ts'

test('a password is known again and another is not', async () => {
  const stored = await hashPassword('difference engine')
  assert.equal(await isPassword('difference engine', stored), true)
  assert.equal(await isPassword('Difference engine', stored), false)
  assert.doesNotMatch(stored, /engine/)
})

test('two members with the same password are stored differently', async () => {
  assert.notEqual(await hashPassword('same'), await hashPassword('same'))
})

test('nobody has no password', async () => {
  assert.equal(await isPassword('', undefined), false)
  for (const none of ['', 'none', 'scrypt::']) assert.equal(await isPassword('', none), false)
})
