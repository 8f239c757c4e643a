import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAshlarError } from '../errors.ts'
import { awsName, hashedName, idOf } from './names.ts'
import { parseAwsUrl, readSwitch } from './url.ts'

test('reads key and secret as they were before they were percent-encoded, endpoint and options', () => {
  const endpoint = encodeURIComponent('http://127.0.0.1:9324')
  assert.deepEqual(
    parseAwsUrl(`sqs://k%40y:p%40s%23s%2Fw%3F%25@eu-central-1?endpoint=${endpoint}&fifo=true`, 'sqs', ['fifo']),
    {
      region: 'eu-central-1',
      credentials: { accessKeyId: 'k@y', secretAccessKey: 'p@s#s/w?%' },
      endpoint: 'http://127.0.0.1:9324',
      options: { fifo: 'true' },
    },
  )
  assert.deepEqual(parseAwsUrl('sqs://us-gov-west-1', 'sqs'), { region: 'us-gov-west-1', options: {} })
})

test('refuses what it does not know or cannot read, and never says the secret', () => {
  const refused: [string, RegExp][] = [
    ['sqs:', /looks like sqs:/],
    ['sqs://', /no AWS region/],
    ['sqs://nowhere', /'nowhere' is no AWS region/],
    ['sqs://KEY@eu-central-1', /needs its secret/],
    ['sqs://:s3cret@eu-central-1', /needs its secret/],
    ['sqs://KEY:s3cret@eu-central-1?fifi=true', /'fifi' is not known; known are endpoint, fifo/],
    ['sqs://KEY:s3cret@eu-central-1?fifo=true&fifo=false', /twice/],
    ['sqs://KEY:s3cret@eu-central-1?endpoint=localhost', /http:\/\/HOST:PORT/],
    ['sqs://KEY:s3cret@eu-central-1?endpoint=http://a:s3cret@b', /http:\/\/HOST:PORT/],
    ['sqs://KEY:s3cret%@eu-central-1', /%25/],
    ['sqs://KEY:s3cret@eu-central-1/queue', /no valid URL/],
  ]
  for (const [url, why] of refused)
    assert.throws(
      () => parseAwsUrl(url, 'sqs', ['fifo']),
      (error) =>
        isAshlarError(error, 'invalid_argument') && why.test(error.message) && !error.message.includes('s3cret'),
      url,
    )
  assert.throws(() => readSwitch({ fifo: 'yes' }, 'fifo', 'sqs'), /fifo='yes'.*true or false/)
})

test('different names have different names in the engine, all of them short and of letters that it takes', () => {
  const long = 'n'.repeat(64)
  const names = [
    'jobs',
    'Jobs',
    'jobs-dead',
    'jobs-fifo',
    'shop.jobs',
    'shop-jobs',
    'shop_jobs',
    `${long}a`,
    `${long}b`,
    long,
  ]
  const hashed = names.map(awsName)
  // Whoever gives a queue the name that another has in the engine gets yet another one.
  const all = [...hashed, ...hashed.filter((each) => !names.includes(each)).map(awsName), hashedName('jobs', 'jobs')]
  assert.equal(new Set(all).size, all.length)
  for (const each of all) assert.match(each, /^[A-Za-z0-9_-]{1,64}$/)
  assert.equal(awsName('jobs'), 'jobs')
})

test('different keys have different ids, of letters that SQS takes', () => {
  const keys = ['k', 'K', 'two words', '中', 'x'.repeat(128), 'x'.repeat(129), idOf('中')]
  const ids = keys.map(idOf)
  assert.equal(new Set(ids).size, keys.length)
  for (const each of ids) assert.match(each, /^[\x21-\x7e]{1,128}$/)
})
