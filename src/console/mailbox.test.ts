import assert from 'node:assert/strict'
import { request } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { openMailbox } from './mailbox.ts'

async function stage() {
  const folder = await mkdtemp(join(tmpdir(), 'ashlar-mailbox-'))
  const mailbox = await openMailbox({ folder, port: 0 })
  return {
    mailbox,
    folder,
    send: (mail: object) =>
      createTransport(mailbox.smtpUrl).sendMail({ from: 'shutter@example.org', to: 'ada@example.org', ...mail }),
    async [Symbol.asyncDispose]() {
      await mailbox[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

test('a mail handed in can be read on the page, also after a restart', async () => {
  await using first = await stage()
  await first.send({ subject: 'Welcome, Ada ☂', text: 'Good to see you.' })
  await using second = await openMailbox({ folder: first.folder, port: 0 })
  const page = await (await fetch(second.url)).text()
  assert.match(page, /Welcome, Ada ☂/)
  const [mail] = (await (await fetch(`${second.url}/mails.json`)).json()) as { id: string }[]
  assert.match(await (await fetch(`${second.url}/${mail!.id}`)).text(), /Good to see you\./)
})

test('a hostile mail stays text: its markup reaches the page only inside a sandbox', async () => {
  await using on = await stage()
  await on.send({ subject: '<script>alert(1)</script>', html: '"><script>alert(2)</script>' })
  const [mail] = (await (await fetch(`${on.mailbox.url}/mails.json`)).json()) as { id: string }[]
  for (const path of ['', mail!.id])
    assert.doesNotMatch(await (await fetch(`${on.mailbox.url}/${path}`)).text(), /<script/)
})

test('an address in a text can be followed; the full stop after it is no part of it', async () => {
  await using on = await stage()
  await on.send({ subject: 'Link', text: '<b> see http://127.0.0.1:8080/u/ada?a=1&b="2. Bye' })
  const [mail] = (await (await fetch(`${on.mailbox.url}/mails.json`)).json()) as { id: string }[]
  const page = await (await fetch(`${on.mailbox.url}/${mail!.id}`)).text()
  assert.match(page, /&#60;b&#62; see <a href="http:\/\/127\.0\.0\.1:8080\/u\/ada\?a=1&#38;b=" rel="noreferrer">/)
  await on.send({ subject: 'Stop', text: 'see http://127.0.0.1:8080/u/ada. Bye' })
  const [last] = (await (await fetch(`${on.mailbox.url}/mails.json`)).json()) as { id: string }[]
  assert.match(await (await fetch(`${on.mailbox.url}/${last!.id}`)).text(), /\/u\/ada<\/a>\. Bye/)
})

test('a mail that is too large is refused and not kept', async () => {
  await using on = await stage()
  await assert.rejects(on.send({ subject: 'big', text: 'x'.repeat(11 * 1024 * 1024) }), /size|larger/i)
  assert.deepEqual(await (await fetch(`${on.mailbox.url}/mails.json`)).json(), [])
})

test('only known ids are looked up', async () => {
  await using on = await stage()
  assert.equal((await fetch(`${on.mailbox.url}/..%2f..%2fetc%2fpasswd`)).status, 404)
})

test('a foreign name that leads here is refused (DNS rebinding)', async () => {
  await using on = await stage()
  const headers = { host: 'evil.test' }
  const status = await new Promise((resolve) => {
    request(`${on.mailbox.url}/mails.json`, { headers }, (answer) => resolve(answer.resume().statusCode)).end()
  })
  assert.equal(status, 421)
})
