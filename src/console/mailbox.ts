import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import { AshlarError } from '../errors.ts'
import { isLocal, listenFrom } from '../listen.ts'
import { mailPage, mailboxPage, type Mail } from './mailbox-page.ts'

export interface MailboxOptions {
  /** Mails are kept here, one file each. */
  folder: string
  /** First port to try for the page. */
  port: number
}

export interface Mailbox extends AsyncDisposable {
  /** The page. */
  readonly url: string
  /** Where to hand mails in: `smtp://127.0.0.1:…`. */
  readonly smtpUrl: string
}

const keptMails = 500
const maxMailBytes = 10 * 1024 * 1024
const idPattern = /^\d{13}-[0-9a-f]{8}$/

/**
 * Development's mail: an SMTP server on loopback that delivers nothing and keeps the last 500 mails on disk, and a page to
 * read them. A mail is acknowledged once it is written.
 */
export async function openMailbox({ folder, port }: MailboxOptions): Promise<Mailbox> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const smtp = smtpServer(folder)
  const smtpPort = await listenFrom(smtp.server, 0)
  const page = createServer(
    (request, response) => void serve(folder, request, response).catch(() => response.writeHead(500).end()),
  )
  const pagePort = await listenFrom(page, port)
  return {
    url: `http://127.0.0.1:${pagePort}`,
    smtpUrl: `smtp://127.0.0.1:${smtpPort}`,
    async [Symbol.asyncDispose]() {
      await Promise.all([new Promise<void>((resolve) => smtp.close(() => resolve())), closePage(page)])
    },
  }
}

function smtpServer(folder: string): SMTPServer {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    size: maxMailBytes,
    logger: false,
    onData(stream, _session, done) {
      // Reads to the end in any case: the protocol wants it before an answer.
      stream.toArray().then(
        (chunks: Buffer[]) => {
          if (stream.sizeExceeded) return done(new Error(`mail is larger than ${maxMailBytes} bytes`))
          keep(folder, Buffer.concat(chunks)).then(() => done(), done)
        },
        (error: Error) => done(error),
      )
    },
  })
  server.on('error', () => undefined)
  return server
}

async function keep(folder: string, raw: Buffer): Promise<void> {
  await writeFile(join(folder, `${Date.now()}-${randomUUID().slice(0, 8)}.eml`), raw, { mode: 0o600 })
  const ids = await idsIn(folder)
  await Promise.all(ids.slice(keptMails).map((id) => rm(join(folder, `${id}.eml`), { force: true })))
}

/** Newest first. */
async function idsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return names
    .map((name) => name.replace(/\.eml$/, ''))
    .filter((name) => idPattern.test(name))
    .sort()
    .toReversed()
}

async function serve(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '/', headers } = request
  if (!isLocal(headers.host)) return void response.writeHead(421).end('the mailbox answers to localhost only\n')
  const id = url.slice(1)
  if (method !== 'GET') return void response.writeHead(405).end()
  if (url === '/' || url === '/mails.json')
    return send(response, url === '/' ? 'text/html' : 'application/json', await listing(folder, url === '/'))
  if (!idPattern.test(id)) return void response.writeHead(404).end('there is no such mail\n')
  send(response, 'text/html', mailPage(await read(folder, id)))
}

async function listing(folder: string, asPage: boolean): Promise<string> {
  const mails = await Promise.all((await idsIn(folder)).slice(0, 100).map((id) => read(folder, id)))
  return asPage ? mailboxPage(mails) : JSON.stringify(mails)
}

async function read(folder: string, id: string): Promise<Mail> {
  const raw = await readFile(join(folder, `${id}.eml`)).catch(() => {
    throw new AshlarError('not_found', `there is no mail ${id}`)
  })
  const parsed: Email = await PostalMime.parse(raw)
  const to = (parsed.to ?? []).map(({ address, name }) => address ?? name).join(', ')
  return {
    id,
    at: new Date(Number(id.slice(0, 13))).toISOString(),
    from: parsed.from?.address ?? '',
    to,
    subject: parsed.subject ?? '(no subject)',
    text: parsed.text ?? '',
    html: parsed.html,
  }
}

function send(response: ServerResponse, type: string, body: string): void {
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: http://127.0.0.1:* http://localhost:*; frame-src 'self'; base-uri 'none'; form-action 'none'"
  response
    .writeHead(200, {
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    .end(body)
}

function closePage(page: Server): Promise<void> {
  page.closeAllConnections()
  return new Promise((resolve) => page.close(() => resolve()))
}
