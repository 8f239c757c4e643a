import { equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseEnv } from 'node:util'
import { engineNames } from './engine.ts'
import { engines } from './index.ts'

const textOf = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')

test('the compose file has every server, in the version that is run natively, at the URL that compose.env gives', () => {
  const compose = textOf('compose.yaml')
  const urls = parseEnv(textOf('compose.env'))
  for (const name of engineNames) {
    const service = new RegExp(`^  ${name}:\\n((?:    .*\\n|\\n)+)`, 'm').exec(compose)?.[1] ?? ''
    const port = /'127\.0\.0\.1:(\d+):\d+'/.exec(service)?.[1]
    ok(port, name)
    equal(urls[`ASHLAR_TEST_${name.toUpperCase()}_URL`], engines[name].url(Number(port)))
    const { version } = engines[name]
    if (version !== 'system' && name !== 'pubsub') ok(service.includes(`:${version}\n`), name)
  }
})
