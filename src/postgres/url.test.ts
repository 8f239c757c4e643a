import assert from 'node:assert/strict'
import { test } from 'node:test'
import { originOf, parsePostgresUrl } from './url.ts'

test('reads hosts, ports, names and options', () => {
  const url = 'postgres://us%40er:p%2Fw@a:5433,[::1],b/my%20db?sslmode=require&pool_size=3&application_name=web'
  assert.deepEqual(parsePostgresUrl(url), {
    hosts: [
      { host: 'a', port: 5433 },
      { host: '::1', port: 5432 },
      { host: 'b', port: 5432 },
    ],
    user: 'us@er',
    password: 'p/w',
    database: 'my db',
    ssl: { rejectUnauthorized: false },
    poolSize: 3,
    applicationName: 'web',
  })
})

test('refuses what it does not know, naming it and what is allowed, without the password', () => {
  const cases: [string, RegExp][] = [
    ['postgres://u:secret@h/d?pool=3', /'pool' is not known; allowed are sslmode, pool_size, application_name/],
    ['postgres://u:secret@h/d?pool_size=0', /pool_size '0' is out of range; allowed is 1 to 1000/],
    ['postgres://u:secret@h/d?sslmode=maybe', /sslmode 'maybe' is not known/],
    ['postgres://u:secret@h:99999/d', /host 'h:99999' is not valid/],
    ['postgres://u:secret%@h/d', /% .* must be written %25/],
    ['mysql://u:secret@h/d', /looks like postgres:\/\//],
  ]
  for (const [url, message] of cases) {
    assert.throws(
      () => parsePostgresUrl(url),
      (error: Error) => {
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /secret/)
        return true
      },
    )
  }
})

test('two URLs to one database have one origin, whoever logs in and in whatever order the hosts stand', () => {
  const origin = (url: string) => originOf(parsePostgresUrl(url))
  assert.equal(origin('postgres://a:x@h1,h2:5433/d'), origin('postgres://b:y@h2:5433,h1:5432/d?pool_size=5'))
  assert.notEqual(origin('postgres://a@h/d'), origin('postgres://a@h/e'))
})
