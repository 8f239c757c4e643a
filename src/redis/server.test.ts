import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AshlarError } from '../errors.ts'
import { cleaned, codeOf, type RedisError } from './errors.ts'
import { cautionOf, problemOf, readInfo, type Settings } from './server.ts'

const sound: Settings = {
  version: '7.0.15',
  isCluster: false,
  maxMemory: 0,
  policy: 'noeviction',
  appendOnly: true,
  fsync: 'always',
}

test('reads what a server tells of itself, and what it does not tell', () => {
  const info = '# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\ncluster_enabled:1\r\nmaxmemory:100\r\n'
  const more = 'maxmemory_human:100B\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n'
  assert.deepEqual(readInfo(info + more), {
    version: '7.2.4',
    isCluster: true,
    maxMemory: 100,
    policy: 'allkeys-lru',
    appendOnly: false,
  })
  const nothing = { version: undefined, isCluster: false, maxMemory: 0, policy: undefined, appendOnly: undefined }
  assert.deepEqual(readInfo(''), nothing)
})

test('refuses a server that is too old, may drop keys, syncs too seldom, or is no single one', () => {
  const problem = (changed: Partial<Settings>, cluster = false, asked?: 'always' | 'everysec') =>
    problemOf({ ...sound, ...changed }, cluster, asked)
  assert.equal(problem({}), undefined)
  assert.match(problem({ version: '6.2.14' })!, /6\.2\.14 is too old; 7\.0/)
  assert.equal(problem({ version: '10.0.0' }), undefined)
  assert.match(problem({ maxMemory: 1, policy: 'allkeys-lru' })!, /allkeys-lru.*noeviction/)
  assert.equal(problem({ policy: 'allkeys-lru' }), undefined, 'without a limit nothing is dropped')
  assert.match(problem({ isCluster: true })!, /add cluster=yes/)
  assert.match(problem({}, true)!, /take cluster=yes out/)
  assert.equal(problem({}, false, 'always'), undefined)
  assert.equal(problem({}, false, 'everysec'), undefined, 'always is more than was asked for')
  assert.match(problem({ fsync: 'everysec' }, false, 'always')!, /fsync=always.*everysec/)
  assert.match(problem({ fsync: 'no' }, false, 'everysec')!, /has: no; set appendonly yes/)
  assert.match(problem({ appendOnly: false }, false, 'everysec')!, /no append-only file/)
  assert.match(problem({ appendOnly: undefined, fsync: undefined }, false, 'always')!, /not told/)
  assert.match(problem({ fsync: undefined }, false, 'always')!, /not told/)
})

test('tells what a server may lose', () => {
  const caution = (changed: Partial<Settings>) => cautionOf({ ...sound, ...changed })
  assert.equal(caution({}), undefined)
  assert.match(caution({ fsync: 'everysec' })!, /everysec: the last two seconds/)
  assert.match(caution({ appendOnly: false })!, /no append-only file/)
  assert.match(caution({ fsync: undefined })!, /does not tell/)
  assert.match(caution({ appendOnly: undefined })!, /does not tell/)
})

test('errors carry what Redis said, and never the command with its secrets', () => {
  const reply = (message: string) => {
    const command = { name: 'auth', args: ['user', 's3cret'] }
    return cleaned(Object.assign(new Error(message), { command }))
  }
  const wrong = reply('WRONGPASS invalid username-password pair')
  assert.doesNotMatch(JSON.stringify(Object.entries(wrong)) + String(wrong.cause), /s3cret/)
  const codes: [string, string | undefined][] = [
    ['WRONGPASS invalid username-password pair', 'unauthorized'],
    ['NOAUTH Authentication required.', 'unauthorized'],
    ["NOPERM this user has no permissions to run the 'evalsha' command", 'unauthorized'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'exhausted'],
    ['MISCONF Errors writing to the AOF file: No space left on device', 'exhausted'],
    ['LOADING Redis is loading the dataset in memory', 'unavailable'],
    ["READONLY You can't write against a read only replica.", 'unavailable'],
    ['ERR max number of clients reached', 'unavailable'],
    ['CLUSTERDOWN The cluster is down', 'unavailable'],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', undefined],
  ]
  for (const [message, code] of codes) assert.equal(codeOf(reply(message)), code, message)
})

test('where the client says only that the connection is gone, the reason is told', () => {
  const gone = Object.assign(new Error('Reached the max retries'), { name: 'MaxRetriesPerRequestError' })
  const why = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
  const told = cleaned(gone, why) as RedisError
  assert.deepEqual([told.code, told.message], ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'])
  assert.equal((cleaned(gone) as RedisError).code, 'ECONNRESET')
  const late = new AshlarError('timeout', 'Redis did not answer within 25000 ms')
  assert.equal(cleaned(late), late)
  const silent = cleaned(gone, new Error("Socket timeout. Expecting data, but didn't receive any in 10000ms."))
  assert.equal((silent as RedisError).code, 'ETIMEDOUT')
})
