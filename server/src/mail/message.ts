import type { Locale } from '../../messages/messages.ts'

/** Every mail we send. `code` and `link` are secrets until used: sealed in the outbox. */
export type MailKind =
  | 'verify_email'
  | 'already_registered'
  | 'reset_password'
  | 'reset_unknown'
  | 'password_changed'
  | 'new_device'
  | 'decision'
  | 'appeal_received'
  | 'appeal_decided'
  | 'refresh_token_reused'

export type OutgoingMail = {
  kind: MailKind
  to: string
  locale: Locale
  /** What the template needs; a missing one is a bug and throws. */
  values: Readonly<Record<string, string>>
  code?: string
  link?: string
}

/** As `/dev/outbox` lists it. */
export type OutboxMessage = {
  to: string
  kind: string
  subject: string
  text: string
  code?: string
  link?: string
  at: string
}

export type Mail = {
  /** Part of the caller's transaction; leaves after commit, with retries. */
  send(mail: OutgoingMail): Promise<void>
  /** Newest first. Development only. */
  recent(limit: number): Promise<OutboxMessage[]>
}
