import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRedisUrl } from './url.ts'

test('reads hosts, credentials, database and options', () => {
  assert.deepEqual(parseRedisUrl('redis://h'), {
    hosts: [{ host: 'h', port: 6379 }],
    user: '',
    password: '',
    database: 0,
    tls: false,
    cluster: false,
    fsync: undefined,
  })
  const full = parseRedisUrl('rediss://us%40er:p%40s%23s%2Fw%3F%25%24@[::1]:7000/3?fsync=always&verify=no')
  assert.deepEqual(full.hosts, [{ host: '::1', port: 7000 }])
  assert.deepEqual([full.user, full.password, full.database, full.fsync], ['us@er', 'p@s#s/w?%$', 3, 'always'])
  assert.deepEqual(full.tls, { rejectUnauthorized: false })
  assert.deepEqual(parseRedisUrl('rediss://:pw@h/').tls, { rejectUnauthorized: true })
  assert.deepEqual(parseRedisUrl('redis://a:1,b:2/?cluster=yes').hosts, [
    { host: 'a', port: 1 },
    { host: 'b', port: 2 },
  ])
})

test('refuses what it cannot keep, without the password', () => {
  const bad: [string, RegExp][] = [
    ['redis://u:s3cret@h?fsync=sometimes', /fsync 'sometimes'.*always, everysec/],
    ['redis://u:s3cret@h?db=1', /'db' is not known; allowed are cluster, fsync, verify/],
    ['redis://u:s3cret@h:70000', /1 to 65535/],
    ['redis://u:s3cret@h/one', /database 'one'/],
    ['redis://u:s3cret@h,i', /cluster=yes/],
    ['redis://u:s3cret@h/1?cluster=yes', /database 1 does not exist in a cluster/],
    ['redis://u:s3cret@h?verify=no', /rediss: only/],
    ['redis://u:s3cret%@h', /written %25/],
    ['redis://u@h', /no password/],
    ['redis:h', /looks like/],
  ]
  for (const [url, message] of bad)
    assert.throws(
      () => parseRedisUrl(url),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'invalid_argument', url)
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /s3cret/)
        return true
      },
    )
})
