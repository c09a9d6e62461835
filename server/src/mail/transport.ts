import { createTransport } from 'nodemailer'
import type { Secret } from '#platform/crypto/secret.ts'

export type Envelope = {
  id: string
  from: string
  to: string
  subject: string
  text: string
  html: string
}

/** Hands one message to the provider; resolves once the provider has accepted it. */
export type Transport = { send(envelope: Envelope): Promise<void>; close(): void }

/** SMTP. Connect, greeting and idle time-outs bound every attempt well below the outbox's hold. */
export function smtpTransport(url: Secret, host: string): Transport {
  const mailer = createTransport(
    {
      url: url.reveal(),
      connectionTimeout: 10_000,
      greetingTimeout: 10_000,
      socketTimeout: 20_000,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { headers: { 'auto-submitted': 'auto-generated' } }, // RFC 3834: no vacation answers
  )
  return {
    async send({ id, from, to, subject, text, html }) {
      await mailer.sendMail({
        from,
        to: { name: '', address: to }, // an object is one recipient, never a list
        subject,
        text,
        html,
        messageId: `<${id}@${host}>`, // the same at every attempt, so that a repeat is recognised
      })
    },
    close: () => mailer.close(),
  }
}
