import { Secret } from '../platform/secret.ts'

/**
 * What a stored credential belongs to. A refresh token is only ever sent to the issuer, by the
 * client, for the account and resource it was issued for (mix-up, RFC 9700 section 4.4).
 */
export type Binding = {
  issuer: string
  clientId: string
  account: string
  /** Resource indicator (RFC 8707); empty when the credential has none. */
  resource: string
}

/**
 * The key a token set is bound to (RFC 9449), named by its thumbprint. `jwk` is the private key where
 * it is kept with the tokens; null where the store keeps it as a key that cannot be read out.
 */
export type ProofKey = { thumbprint: string; jwk: Secret | null }

/** As Web Crypto makes them. */
export type KeyPair = { privateKey: CryptoKey; publicKey: CryptoKey }

/** One reply of the token endpoint. A snapshot: it never changes, a refresh makes a new one. */
export type TokenSet = {
  accessToken: Secret
  tokenType: string
  refreshToken: Secret | null
  idToken: Secret | null
  scope: string | null
  /** When the request left, by the local wall clock. */
  obtainedAt: number
  /** Null: the provider gave no lifetime; the token is used until it is refused. */
  lifetimeMs: number | null
  /** The provider's `refresh_in`, from `obtainedAt`. */
  refreshInMs: number | null
  /** The id_token's subject, or null without one. */
  subject: string | null
  /** Null for bearer tokens. */
  proofKey: ProofKey | null
}

/** Why a refresh token is dead. Latchkey says so in `reason`; other providers leave `refused`. */
export const deathReasons = [
  'expired',
  'reused',
  'revoked',
  'suspended',
  'client_mismatch',
  'interrupted',
  'refused',
] as const
export type DeathReason = (typeof deathReasons)[number]

/** What ended a sign-in that was `revoked`. Latchkey says so in `revoked_because`, for seven days. */
export const revocations = [
  'signed_out',
  'signed_out_elsewhere',
  'device_limit',
  'not_me',
  'password_changed',
  'password_reset',
  'revoked_all',
  'revoked_by_operator',
  'access_removed',
  'client_request',
  'code_reused',
  'token_reused',
  'closed',
] as const
export type Revocation = (typeof revocations)[number]

/** Why a refresh token was refused for good, as far as the provider says. */
export type Death = {
  reason: DeathReason
  /** With `revoked`; null: not told, or by a word that this version does not know. */
  revokedBecause: Revocation | null
  /** The provider's own article about it. */
  help: string | null
  at: number
}

/**
 * What a store keeps for one binding.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> Rested: sign-in saved (generation 1)
 *   Rested --> Redeeming: intent saved, before the refresh token leaves
 *   Redeeming --> Rested: new set saved (generation + 1)
 *   Redeeming --> Redeeming: reply lost or process killed, the next holder redeems again
 *   Redeeming --> Dead: invalid_grant for the stored refresh token
 *   Dead --> Rested: sign-in saved
 * ```
 */
export type Credential = {
  binding: Binding
  /** Grows by one with every new token set, and with nothing else. */
  generation: number
  tokens: TokenSet
  /** Set before the refresh token leaves the machine, cleared with the set that came back. */
  intent: Intent | null
  /** Set when this very generation's refresh token was refused. Its access token may still live. */
  dead: Death | null
  /** How the last generations came to be: times and short hashes, never a token. Newest last. */
  journal: JournalEntry[]
}

export type Intent = { attempt: string; at: number }

export type JournalEntry = {
  generation: number
  event: 'signed-in' | 'refreshed' | 'recovered' | 'dead'
  at: number
  /** Which process did it, such as `4711@host`; empty where there are no processes. */
  by: string
  /** First characters of the refresh token's SHA-256. */
  refreshHash: string | null
  reason?: DeathReason
  revokedBecause?: Revocation
}

export const journalLength = 12

/** One text per binding, the same everywhere; also the context that sealing authenticates. */
export const bindingText = (binding: Binding): string =>
  JSON.stringify([binding.issuer, binding.clientId, binding.account, binding.resource])

export const sameBinding = (a: Binding, b: Binding): boolean => bindingText(a) === bindingText(b)

/** The plain JSON of a credential, secrets included: goes only into a seal or a private file. */
export function writeCredential(credential: Credential): string {
  const { tokens } = credential
  return JSON.stringify({
    ...credential,
    tokens: {
      ...tokens,
      accessToken: tokens.accessToken.reveal(),
      refreshToken: tokens.refreshToken?.reveal() ?? null,
      idToken: tokens.idToken?.reveal() ?? null,
      proofKey: tokens.proofKey && {
        thumbprint: tokens.proofKey.thumbprint,
        jwk: tokens.proofKey.jwk?.reveal() ?? null,
      },
    },
  })
}

/** The credential in `text`, or null when it is damaged or not for `binding`. Never throws. */
export function readCredential(text: string, binding: Binding): Credential | null {
  try {
    const value: unknown = JSON.parse(text)
    if (!isRecord(value) || !isRecord(value.tokens) || !isRecord(value.binding)) return null
    const tokens = readTokens(value.tokens)
    const stored = value.binding
    const intent = value.intent
    const dead = value.dead
    if (tokens === null || !isWhole(value.generation) || value.generation < 1) return null
    if (
      stored.issuer !== binding.issuer ||
      stored.clientId !== binding.clientId ||
      stored.account !== binding.account ||
      stored.resource !== binding.resource
    )
      return null
    return {
      binding: { ...binding },
      generation: value.generation,
      tokens,
      intent:
        isRecord(intent) && isText(intent.attempt) && isNumber(intent.at)
          ? { attempt: intent.attempt, at: intent.at }
          : null,
      dead: readDeath(dead),
      journal: Array.isArray(value.journal) ? value.journal.filter(isJournalEntry) : [],
    }
  } catch {
    return null
  }
}

/** `refused` stands for every reason this version does not know. */
export const readReason = (value: unknown): DeathReason =>
  deathReasons.find((reason) => reason === value) ?? 'refused'

/** Null for words that this version does not know: `reason` says enough then. */
export const readRevocation = (value: unknown): Revocation | null =>
  revocations.find((one) => one === value) ?? null

/** Credentials of earlier versions say less. */
const readDeath = (value: unknown): Death | null =>
  isRecord(value) && isNumber(value.at)
    ? {
        reason: readReason(value.reason),
        revokedBecause: readRevocation(value.revokedBecause),
        help: isText(value.help) ? value.help : null,
        at: value.at,
      }
    : null

function readTokens(value: Record<string, unknown>): TokenSet | null {
  if (!isText(value.accessToken) || value.accessToken === '') return null
  if (!isText(value.tokenType) || !isNumber(value.obtainedAt)) return null
  if (!isText(value.refreshToken) && value.refreshToken !== null) return null
  const proofKey = readProofKey(value.proofKey)
  if (proofKey === undefined) return null
  return {
    accessToken: new Secret(value.accessToken),
    tokenType: value.tokenType,
    refreshToken: value.refreshToken === null ? null : new Secret(value.refreshToken),
    idToken: isText(value.idToken) ? new Secret(value.idToken) : null,
    scope: isText(value.scope) ? value.scope : null,
    obtainedAt: value.obtainedAt,
    lifetimeMs: isNumber(value.lifetimeMs) ? value.lifetimeMs : null,
    refreshInMs: isNumber(value.refreshInMs) ? value.refreshInMs : null,
    subject: isText(value.subject) ? value.subject : null,
    proofKey,
  }
}

/** Absent in credentials of earlier versions, which were all bearer. Undefined: unreadable. */
function readProofKey(value: unknown): ProofKey | null | undefined {
  if (value === undefined || value === null) return null
  if (!isRecord(value) || !isText(value.thumbprint)) return undefined
  if (!isText(value.jwk) && value.jwk !== null) return undefined
  return { thumbprint: value.thumbprint, jwk: value.jwk === null ? null : new Secret(value.jwk) }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value)
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)
const isJournalEntry = (value: unknown): value is JournalEntry =>
  isRecord(value) && isWhole(value.generation) && isText(value.event) && isNumber(value.at)
