import { createTransport, type Transporter } from 'nodemailer'
import type { Job } from 'ashlar/queue'
import type { Message } from 'ashlar/topic'
import { shutter } from './blueprint.ts'
import { firstPhotoMail } from './letters.ts'
import type { MailJob, Published } from './model.ts'

const from = 'Shutter <hello@shutter.example>'
const deadlineMs = 10_000

let transport: Transporter | undefined

/** Sends one mail. At least once: SMTP cannot tell whether a server that went away had taken it. */
export async function deliver({ id, payload }: Job<MailJob>): Promise<void> {
  // The same id for each attempt, so that a mail which comes twice shows once in most programs.
  await connected().sendMail({ from, ...payload, messageId: `<${id}@shutter.example>` })
}

function connected(): Transporter {
  if (!process.env.SMTP_URL) throw new Error('SMTP_URL is not set: name the mail server, such as smtp://127.0.0.1:1025')
  transport ??= createTransport({
    url: process.env.SMTP_URL,
    pool: true,
    maxConnections: 2,
    connectionTimeout: deadlineMs,
    greetingTimeout: deadlineMs,
    socketTimeout: deadlineMs,
  })
  return transport
}

/** Subscription `mail`: a member's first photo is worth a letter; one with a date in the past (the demo's) is no news. */
export async function thankForFirst(event: Message<Published>): Promise<void> {
  const { photo, author } = event.payload
  const { db, mail } = shutter.blocks
  const first = await db.maybe<{ email: string; name: string; title: string; isFirst: boolean }>`
    select m.email, m.name, p.title,
      p.published_at > now() - interval '1 hour' and not exists (
        select 1 from photos o where o.author = p.author and o.published_at < p.published_at
      ) as "isFirst"
    from photos p join members m on m.id = p.author where p.id = ${photo} and p.author = ${author}`
  if (!first?.isFirst) return
  await event.once('letter', (tx) => mail.send(firstPhotoMail({ ...first, photo }), { tx }))
}
