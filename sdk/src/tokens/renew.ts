import {
  type Binding,
  type Credential,
  type JournalEntry,
  journalLength,
  type TokenSet,
} from '../credentials/credential.ts'
import type { CredentialStore, Stored } from '../credentials/store.ts'
import {
  AccountSuspended,
  type LatchkeyError,
  ProviderMisconfigured,
  ProviderUnavailable,
  StoreUnavailable,
  type Voice,
} from '../errors/errors.ts'
import { base64url, sha256 } from '../platform/bytes.ts'
import { type Clock, pause } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import type { Redeemed } from '../provider/redeem.ts'

/** What a renewal needs from outside. */
export type RenewDeps = {
  store: CredentialStore
  clock: Clock
  random: Random
  voice: Voice
  /** Names this process in the journal. */
  by: string
  /** `mint` makes a new set from nothing (client credentials); `refresh` spends a refresh token. */
  kind: 'refresh' | 'mint'
  redeem(previous: TokenSet | null): Promise<Redeemed>
  /** Called when the refresh token is about to leave. */
  started?(generation: number): void
}

/** How a renewal ended. Whatever carries a credential carries what the store holds now. */
export type Renewal =
  | { outcome: 'renewed'; credential: Credential; revision: number; recovered: boolean }
  | { outcome: 'adopted'; credential: Credential; revision: number }
  /** Nothing is left to renew with: the refresh token is dead, or there never was one. */
  | { outcome: 'dead'; credential: Credential; revision: number; justNow: boolean }
  /** `doubtful`: with its open intent, when the refresh token may have been spent without our hearing. */
  | {
      outcome: 'deferred'
      error: LatchkeyError
      retryAfterMs: number | null
      doubtful: Credential | null
    }
  /** The provider gave a new set, and the store would not take it. `revision` is what it holds. */
  | { outcome: 'unsaved'; credential: Credential; revision: number | null; error: unknown }
  | { outcome: 'absent' }
  | { outcome: 'damaged'; detail: string }

const sendsMax = 3
const savesMax = 3

/**
 * Renews one credential. To be called inside `store.exclusive`, which makes it the only renewal of
 * this credential anywhere: read, write the intent, redeem, save.
 *
 * `wanted` looks at what the store holds and says whether it still needs renewing; if somebody else
 * has been faster it does not, and theirs is adopted.
 *
 * The intent is on disk before the refresh token leaves. Whoever finds an open intent redeems that
 * same token again: a provider with a replay window answers with the same successor, so neither a
 * lost reply nor kill -9 costs the sign-in.
 */
export async function renew(
  deps: RenewDeps,
  binding: Binding,
  wanted: (credential: Credential) => boolean,
): Promise<Renewal> {
  const stored = await deps.store.load(binding)
  if (deps.kind === 'mint') {
    if (stored.state === 'present' && !wanted(stored.credential))
      return { outcome: 'adopted', credential: stored.credential, revision: stored.revision }
    return mint(deps, binding, stored)
  }
  if (stored.state === 'absent') return { outcome: 'absent' }
  if (stored.state === 'damaged') return { outcome: 'damaged', detail: stored.detail }
  const { credential, revision } = stored
  if (!wanted(credential)) return { outcome: 'adopted', credential, revision }
  if (credential.dead || !credential.tokens.refreshToken)
    return { outcome: 'dead', credential, revision, justNow: false }
  return spend(deps, credential, revision, wanted)
}

async function mint(deps: RenewDeps, binding: Binding, stored: Stored): Promise<Renewal> {
  const before = stored.state === 'present' ? stored : null
  deps.started?.(before?.credential.generation ?? 0)
  const { result } = await send(deps, before?.credential.tokens ?? null)
  if (!result.ok)
    return { outcome: 'deferred', ...failure(deps, result, binding.account), doubtful: null }
  return keep(
    deps,
    before?.credential ?? null,
    binding,
    before?.revision ?? null,
    result.tokens,
    false,
  )
}

async function spend(
  deps: RenewDeps,
  credential: Credential,
  found: number,
  wanted: (credential: Credential) => boolean,
): Promise<Renewal> {
  const { binding, tokens } = credential
  const recovered = credential.intent !== null
  let { intent } = credential
  let revision = found
  if (intent === null) {
    intent = { attempt: base64url(deps.random.bytes(9)), at: deps.clock.now() }
    const saved = await deps.store.save(binding, { ...credential, intent }, revision)
    if (saved === null) {
      const now = await overtaken(deps, binding)
      if (now.outcome !== 'adopted' || !wanted(now.credential)) return now
      // Only their intent is there yet: what they bring is worth waiting for.
      const detail = 'another process is renewing'
      const error = new StoreUnavailable('store_unavailable', { detail }, deps.voice)
      return { outcome: 'deferred', error, retryAfterMs: null, doubtful: null }
    }
    revision = saved
  }
  deps.started?.(credential.generation)
  const { result, doubtful } = await send(deps, tokens)
  if (result.ok) return keep(deps, credential, binding, revision, result.tokens, recovered)

  const inDoubt = recovered || doubtful
  if (result.kind === 'invalid_grant' && result.reason !== 'suspended') {
    // Judged against the store: only the refresh token that was posted is refused.
    const now = await deps.store.load(binding)
    if (now.state !== 'present')
      return now.state === 'absent'
        ? { outcome: 'absent' }
        : { outcome: 'damaged', detail: now.detail }
    if (now.credential.tokens.refreshToken?.reveal() !== tokens.refreshToken?.reveal())
      return { outcome: 'adopted', credential: now.credential, revision: now.revision }
    const ours =
      result.reason === 'refused' || result.reason === 'reused' || result.reason === 'revoked'
    // A revocation that names its cause was no second use of ours, whatever became of the first.
    const { revokedBecause, help } = result
    const cutOff = inDoubt && ours && (revokedBecause === null || revokedBecause === 'token_reused')
    const death = cutOff
      ? { reason: 'interrupted' as const, revokedBecause: null, help: null }
      : { reason: result.reason, revokedBecause, help }
    const dead = await inscribe(deps, { ...credential, intent: null }, 'dead', {
      reason: death.reason,
      ...(death.revokedBecause ? { revokedBecause: death.revokedBecause } : {}),
    })
    dead.dead = { ...death, at: deps.clock.now() }
    const saved = await deps.store.save(binding, dead, now.revision)
    return saved === null
      ? overtaken(deps, binding)
      : { outcome: 'dead', credential: dead, revision: saved, justNow: true }
  }
  const failed = { outcome: 'deferred', ...failure(deps, result, binding.account) } as const
  const unspent = result.kind !== 'lost' || result.outcome === 'not-sent'
  if (inDoubt || !unspent) return { ...failed, doubtful: { ...credential, intent } }
  await deps.store.save(binding, { ...credential, intent: null }, revision)
  return { ...failed, doubtful: null }
}

/**
 * Up to three sends while the answer keeps getting lost: a replay window is short, so the time to
 * ask again is now. `doubtful`: some send may have been carried out without our seeing the reply.
 */
async function send(deps: RenewDeps, tokens: TokenSet | null) {
  let doubtful = false
  for (let sends = 1; ; sends++) {
    const result = await deps.redeem(tokens)
    const lost = !result.ok && result.kind === 'lost' && result.outcome === 'unknown'
    if (!lost || sends === sendsMax) return { result, doubtful }
    doubtful = true
    await pause(deps.clock, 200 * 2 ** sends * (0.5 + 0.5 * deps.random.fraction()))
  }
}

/** Makes the new set durable. Only then may anybody see it. */
async function keep(
  deps: RenewDeps,
  before: Credential | null,
  binding: Binding,
  revision: number | null,
  tokens: TokenSet,
  recovered: boolean,
): Promise<Renewal> {
  const draft: Credential = {
    binding,
    generation: (before?.generation ?? 0) + 1,
    tokens,
    intent: null,
    dead: null,
    journal: before?.journal ?? [],
  }
  const credential = await inscribe(deps, draft, recovered ? 'recovered' : 'refreshed')
  for (let saves = 1; ; saves++) {
    try {
      const saved = await deps.store.save(binding, credential, revision)
      if (saved === null) return overtaken(deps, binding)
      return { outcome: 'renewed', credential, revision: saved, recovered }
    } catch (error) {
      if (saves === savesMax) return { outcome: 'unsaved', credential, revision, error }
      await pause(deps.clock, 100 * 4 ** saves)
    }
  }
}

/** Somebody saved without our turn (a lease that ran out, a store without locks): theirs counts. */
async function overtaken(deps: RenewDeps, binding: Binding): Promise<Renewal> {
  const now = await deps.store.load(binding)
  if (now.state === 'present')
    return { outcome: 'adopted', credential: now.credential, revision: now.revision }
  return now.state === 'absent' ? { outcome: 'absent' } : { outcome: 'damaged', detail: now.detail }
}

/** The credential with one more line in its journal. */
export async function inscribe(
  deps: Pick<RenewDeps, 'clock' | 'by'>,
  credential: Credential,
  event: JournalEntry['event'],
  extra: Pick<JournalEntry, 'reason' | 'revokedBecause'> = {},
): Promise<Credential> {
  const refresh = credential.tokens.refreshToken
  const entry: JournalEntry = {
    generation: credential.generation,
    event,
    at: deps.clock.now(),
    by: deps.by,
    refreshHash: refresh ? (await sha256(refresh.reveal())).slice(0, 10) : null,
    ...extra,
  }
  return { ...credential, journal: [...credential.journal, entry].slice(-journalLength) }
}

function failure(
  deps: RenewDeps,
  result: Exclude<Redeemed, { ok: true }>,
  account: string,
): { error: LatchkeyError; retryAfterMs: number | null } {
  const { voice, clock } = deps
  switch (result.kind) {
    case 'busy': {
      const wait = result.retryAfterMs
      const detail = `the token endpoint answered ${result.status}`
      const retryAt = wait === null ? null : clock.now() + wait
      return {
        error: new ProviderUnavailable(
          'provider_unavailable',
          { detail, retryAt, outcome: 'rejected' },
          voice,
        ),
        retryAfterMs: wait,
      }
    }
    case 'lost': {
      const { detail, outcome, cause } = result
      return {
        error: new ProviderUnavailable('provider_unavailable', { detail, outcome, cause }, voice),
        retryAfterMs: null,
      }
    }
    case 'refused':
      return {
        error: new ProviderMisconfigured(
          'provider_misconfigured',
          { detail: result.error, said: result.said, outcome: 'rejected', help: result.help },
          voice,
        ),
        retryAfterMs: null,
      }
    case 'invalid_grant': {
      const details = { account, detail: 'invalid_grant', help: result.help }
      return {
        error:
          result.reason === 'suspended'
            ? new AccountSuspended('account_suspended', details, voice)
            : new ProviderMisconfigured('provider_misconfigured', details, voice),
        // A suspension is lifted by people: minutes, not seconds.
        retryAfterMs: 300_000,
      }
    }
  }
}
