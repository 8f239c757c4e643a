import type { MailJob } from './model.ts'

const site = () => process.env.ASHLAR_PUBLIC_URL ?? 'http://127.0.0.1:8080'

export function welcomeMail({ email, name, handle }: { email: string; name: string; handle: string }): MailJob {
  return {
    to: email,
    subject: `Welcome to Shutter, ${name}`,
    text: `Hello ${name},

your page is ${site()}/u/${handle}. It is empty yet: your first photo is one step away, at
${site()}/upload

Good light!
Shutter
`,
  }
}

export function firstPhotoMail(of: { email: string; name: string; title: string; photo: string }): MailJob {
  return {
    to: of.email,
    subject: `‘${of.title}’ is on Shutter`,
    text: `Hello ${of.name},

your first photo is published: ${site()}/photo/${of.photo}

Shutter
`,
  }
}
