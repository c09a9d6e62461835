import type { Place } from '#platform/places/places.ts'
import type { Locale } from '../../messages/messages.ts'

/**
 * Every mail we send and what its text needs. Values are plain text; the templates escape them. A
 * name typed at sign-up goes only to addresses that are proven, so that nobody can make us carry
 * their words to strangers. Instants are milliseconds.
 */
export type MailValues = {
  verify_email: Record<never, never>
  already_registered: Record<never, never>
  reset_password: Record<never, never>
  reset_unknown: Record<never, never>
  password_changed: { at: number }
  signed_out_by_operator: { at: number }
  account_closed: { at: number }
  new_device: { device: string; address: string; place: Place; at: number }
  /** A hundred wrong passwords in a row. */
  sign_in_paused: { at: number }
  /** It signed in by a device code. */
  new_app_device: { device: string; address: string; place: Place; at: number }
  /** `reason` and `text` as the person reads them in the case. */
  decision: { decision: 'warn' | 'limit' | 'suspend' | 'close'; reason: string; text: string }
  appeal_received: { firstLookDueAt: number }
  appeal_decided: { outcome: 'upheld' | 'reduced' | 'reversed'; text: string }
  refresh_token_reused: { client: string; at: number }
}

export type MailKind = keyof MailValues

/** `code` and `link` are secrets until used: sealed in the outbox. */
export type OutgoingMail = {
  [K in MailKind]: {
    kind: K
    /** One canonical address. */
    to: string
    locale: Locale
    values: MailValues[K]
    code?: string
    link?: string
  }
}[MailKind]

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
  /** Sends what is due now; the worker calls it, and tests instead of waiting. Returns how many left. */
  deliver(): Promise<number>
  /** Forgets what was settled a week ago; the worker calls it, and tests instead of waiting. */
  sweep(): Promise<void>
  start(): void
  /** Ends once the messages in hand are settled. */
  stop(): Promise<void>
}
