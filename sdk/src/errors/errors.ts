import type { DeathReason, Revocation } from '../credentials/credential.ts'
import { type ErrorCode, en, type Locale, slugs, type Words, zh } from './messages.ts'
import { revokedWords } from './revocations.ts'

/** In which language errors speak and where their help articles are. */
export type Voice = {
  locale: Locale
  /** Where articles are, such as `https://id.example.org/help/`. Null: sections of docs/sdk.md. */
  helpBase: string | null
}

export const defaultVoice: Voice = { locale: 'en', helpBase: null }

export type ErrorDetails = {
  account?: string
  detail?: string
  /** What the provider says about it in its own words (`error_description`). */
  said?: string | null
  scopes?: string
  seconds?: number
  path?: string
  /** When trying again makes sense, milliseconds since the epoch. */
  retryAt?: number | null
  outcome?: Outcome
  requestId?: string | null
  /** What ended the sign-in, where the provider says so. */
  revokedBecause?: Revocation | null
  /** A help link that came with the refusal. */
  help?: string | null
  cause?: unknown
}

/**
 * How far a request came. `not-sent`: nothing left the machine, sending again is safe. `rejected`:
 * the other side answered no. `unknown`: it may have taken effect.
 */
export type Outcome = 'not-sent' | 'unknown' | 'rejected'

/**
 * Everything the SDK throws on purpose. `code` is for programs, `message` for people: what happened
 * and what to do next. Details never hold a token.
 */
export class LatchkeyError extends Error {
  readonly code: ErrorCode
  nextStep: string
  help: string
  readonly retryAt: number | null
  readonly outcome: Outcome | null
  readonly requestId: string | null
  /** The technical word for it, such as `ECONNREFUSED` or `invalid_client`; never a secret. */
  readonly detail: string | null
  readonly #details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}, voice: Voice = defaultVoice) {
    const words = describe(code, details, voice.locale)
    super(
      `${words.happened} ${words.next}`,
      'cause' in details ? { cause: withoutReply(details.cause) } : {},
    )
    this.name = new.target.name
    this.code = code
    this.nextStep = words.next
    this.help = helpOf(code, details, voice)
    this.retryAt = details.retryAt ?? null
    this.outcome = details.outcome ?? null
    this.requestId = details.requestId ?? null
    this.detail = details.detail ?? null
    this.#details = details
  }

  /** This very error in the app's language: what knows no app, such as a store, speaks English. */
  speaking(voice: Voice): this {
    const words = describe(this.code, this.#details, voice.locale)
    const message = `${words.happened} ${words.next}`
    // Consoles print the stack, which begins with the message.
    if (this.stack !== undefined) this.stack = this.stack.replace(this.message, () => message)
    this.message = message
    this.nextStep = words.next
    this.help = helpOf(this.code, this.#details, voice)
    return this
  }

  /** The same in either language, for apps that ask the reader at the end. */
  words(locale: Locale): Words {
    return describe(this.code, this.#details, locale)
  }
}

export type SignInReason = DeathReason | 'signed_out' | 'damaged' | 'token_refused'

const signInCodes: Record<SignInReason, ErrorCode> = {
  signed_out: 'sign_in_required',
  damaged: 'sign_in_damaged',
  token_refused: 'token_refused',
  expired: 'sign_in_expired',
  reused: 'sign_in_reused',
  revoked: 'sign_in_revoked',
  interrupted: 'sign_in_interrupted',
  suspended: 'account_suspended',
  client_mismatch: 'sign_in_mismatch',
  refused: 'sign_in_refused',
}

/** Only a person can help: no token is left that a refresh could renew. */
export class SignInRequired extends LatchkeyError {
  readonly reason: SignInReason
  /** With `revoked`: what ended the sign-in, where the provider says so. */
  readonly revokedBecause: Revocation | null

  constructor(reason: SignInReason, details: ErrorDetails = {}, voice?: Voice) {
    super(signInCodes[reason], details, voice)
    this.reason = reason
    this.revokedBecause = details.revokedBecause ?? null
  }
}

/** A sign-in that was begun did not end well. The credential that was there before is untouched. */
export class SignInFailed extends LatchkeyError {}

/** 403 with `insufficient_scope`. `scopes` is what the call needs, when the API said so. */
export class InsufficientScope extends LatchkeyError {
  readonly scopes: string[]

  constructor(scopes: string[], details: ErrorDetails = {}, voice?: Voice) {
    super('insufficient_scope', { ...details, scopes: scopes.join(' ') || '?' }, voice)
    this.scopes = scopes
  }
}

/** 429, or the local queue's limit. `retryAt` says when. */
export class RateLimited extends LatchkeyError {}

/** Money or quota is used up. Never retried, never refreshed. */
export class QuotaExhausted extends LatchkeyError {}

/** The account is suspended. Never retried, never refreshed; the credential is kept. */
export class AccountSuspended extends LatchkeyError {
  readonly reason = 'suspended' as const
}

/** The clocks are too far apart to judge an id_token. */
export class ClockSkew extends LatchkeyError {}

/** The provider is away or overloaded. The old token keeps working until it expires. */
export class ProviderUnavailable extends LatchkeyError {}

/** Wrong issuer, client id, secret or metadata: trying again cannot help. */
export class ProviderMisconfigured extends LatchkeyError {}

/** Reading, locking or writing the store failed. */
export class StoreUnavailable extends LatchkeyError {}

/**
 * What is stored cannot be opened here and now, because its key is out of reach (a locked keychain).
 * It is kept; signing in anew replaces it.
 */
export class StoreLocked extends StoreUnavailable {}

/** What keeps a key service from helping. Each says in its text what to do about it. */
export type KeyTrouble =
  | 'away'
  | 'busy'
  | 'disabled'
  | 'pending'
  | 'denied'
  | 'unknown'
  | 'misconfigured'

const keyCodes: Record<KeyTrouble, ErrorCode> = {
  away: 'key_service_away',
  busy: 'key_service_busy',
  disabled: 'key_disabled',
  pending: 'key_pending',
  denied: 'key_denied',
  unknown: 'key_unknown',
  misconfigured: 'key_misconfigured',
}

/** The key service that seals the store (KMS, Vault) could not be used. Nothing was deleted. */
export class KeyServiceError extends StoreUnavailable {
  readonly trouble: KeyTrouble

  constructor(trouble: KeyTrouble, details: ErrorDetails = {}, voice?: Voice) {
    super(keyCodes[trouble], details, voice)
    this.trouble = trouble
  }
}

/** An API call failed without an answer. `outcome` says whether it may have taken effect. */
export class RequestFailed extends LatchkeyError {}

/**
 * Consoles and reporters print causes as well. The protocol engine hangs the whole reply or callback on
 * its errors, tokens and code included; a parser quotes what it could not read, a Redis client repeats
 * the command that it sent.
 */
function withoutReply(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause
  const { code } = cause as { code?: unknown }
  const unread = cause instanceof SyntaxError
  const ofEngine = typeof code === 'string' && code.startsWith('OAUTH_')
  if (!unread && !ofEngine && !('command' in cause)) return cause
  const plain = new Error(unread ? 'the reply is not JSON' : cause.message)
  plain.name = cause.name
  const frames = cause.stack?.slice(cause.stack.indexOf('\n    at ')) ?? ''
  plain.stack = `${plain.name}: ${plain.message}${frames}`
  return Object.assign(plain, code === undefined ? {} : { code })
}

const helpOf = (code: ErrorCode, details: ErrorDetails, voice: Voice): string =>
  details.help ?? `${voice.helpBase ?? 'docs/sdk.md#'}${slugs[code]}`

/** Fit to be shown: one short line, without anything that could be a token or steer a terminal. */
function said(text: string | null | undefined): string {
  if (!text) return ''
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  const shown = line.replace(/(?=[\w-]*\d)[\w-]{20,}/g, '…').replace(/[.。]$/, '')
  return shown === '' ? '' : `: ${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}`
}

function describe(code: ErrorCode, details: ErrorDetails, locale: Locale): Words {
  const { revokedBecause } = details
  const words = revokedBecause
    ? revokedWords[locale][revokedBecause]
    : (locale === 'zh' ? zh : en)[code]
  const when =
    details.retryAt === undefined || details.retryAt === null
      ? { en: 'later', zh: '稍后' }[locale]
      : { en: 'at ', zh: '' }[locale] + new Date(details.retryAt).toISOString()
  const values: Record<string, string> = {
    account: details.account ?? '?',
    detail: (details.detail ?? '?') + said(details.said),
    scopes: details.scopes ?? '?',
    seconds: String(details.seconds ?? '?'),
    path: details.path ?? '?',
    outcome: details.outcome ?? 'unknown',
    when,
  }
  const fill = (text: string) =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
  return { happened: fill(words.happened), next: fill(words.next) }
}
