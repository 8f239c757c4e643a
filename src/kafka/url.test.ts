import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe } from '../errors.ts'
import { parseKafkaUrl } from './url.ts'

test('reads hosts, credentials and options', () => {
  const url =
    'kafka://bob:p%40s%23s%2Fw%3F%25%24@one,two:9093,[::1]:9094?sasl=scram-sha-512&tls=verify-full&replication=3&acks=all'
  assert.deepEqual(parseKafkaUrl(url), {
    hosts: [
      { host: 'one', port: 9092 },
      { host: 'two', port: 9093 },
      { host: '::1', port: 9094 },
    ],
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'bob', password: 'p@s#s/w?%$' },
    tls: { rejectUnauthorized: true },
    replication: 3,
    clientId: 'ashlar',
  })
  const plain = parseKafkaUrl('kafka://localhost/')
  assert.deepEqual([plain.hosts, plain.sasl, plain.tls], [[{ host: 'localhost', port: 9092 }], undefined, undefined])
  assert.equal(parseKafkaUrl('kafka://bob:x@one?client_id=shop').clientId, 'shop')
})

const wrong: [url: string, says: RegExp][] = [
  ['kafka://', /host ''/],
  ['kafka:one', /looks like/],
  ['kafka://one:0', /'one:0'/],
  ['kafka://one:70000', /1 to 65535/],
  ['kafka://one,,two', /host ''/],
  ['kafka://one/topic', /'one\/topic'|looks like/],
  ['kafka://one?linger=5', /'linger' is not known; allowed are acks/],
  ['kafka://one?acks=1', /acks '1'.*acks=all/],
  ['kafka://one?acks=all&acks=all', /twice/],
  ['kafka://one?sasl=plain', /needs user:password/],
  ['kafka://bob:secret@one?sasl=kerberos', /'kerberos' is not known; allowed are plain/],
  ['kafka://bob:secret@one?tls=yes', /disable, require, verify-full/],
  ['kafka://bob:secret@one?replication=0', /'0' is out of range; allowed is 1 to 100/],
  ['kafka://bob:secret%@one', /%25/],
]

for (const [url, says] of wrong)
  test(`refuses ${url.replace('secret', '***')}, and tells no password`, () => {
    assert.throws(
      () => parseKafkaUrl(url),
      (error) => {
        assert.match(describe(error), says)
        assert.doesNotMatch(String((error as Error).stack), /secret/)
        return true
      },
    )
  })
