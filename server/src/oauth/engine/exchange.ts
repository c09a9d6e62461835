import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { type Clock, second } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Random } from '#platform/ids/ids.ts'
import type { RateLimiter } from '#platform/limits/token-bucket.ts'
import type { OAuthApp } from '../apps/app.ts'
import type { KeptReplay } from '../artifacts/artifact.ts'
import type { ArtifactVault, Opened } from '../artifacts/vault.ts'
import type { Grants } from '../grants/grants.ts'
import { covers, scopeList } from '../scopes.ts'
import { AlreadyConsumed } from './adapter.ts'
import { appOf } from './client-metadata.ts'
import { resourcesAsked } from './configuration.ts'
import {
  AuthorizationPending,
  boundGrantHelpers,
  deviceGrantType,
  exchangeClientCredentials,
  exchangeCode,
  exchangeDeviceCode,
  exchangeRefreshToken,
  InvalidGrant,
  type KoaContextWithOIDC,
  type Provider,
  SlowDown,
} from './library.ts'
import { proofHelpers, provenKey } from './proofs.ts'
import { endedBecause } from './refusals.ts'

export type ExchangeDeps = {
  database: Database
  vault: ArtifactVault
  grants: Grants
  clock: Clock
  random: Random
  limiter: RateLimiter
}

type TokenAnswer = {
  expires_in: number
  refresh_token?: string
  scope?: string
  [member: string]: unknown
}

/** What a rotated refresh token still answers with, and to whom. */
type Replay = {
  answer: TokenAnswer
  clientId: string
  scope: string
  resource: string
  /** The key that asked for it and that its access token is bound to; absent: an older version wrote it. */
  jkt?: string | null
  answeredAt: number
}

/** What a waiting device is told to keep between two questions (RFC 8628 section 3.2). */
export const pollSeconds = 5
/** What it is held to: a second less, because networks deliver unevenly. Each node counts its own. */
const pollRule = { burst: 1, perMs: (pollSeconds - 1) * second }

/**
 * The exchange of codes and refresh tokens, made atomic around the engine's own handlers.
 *
 * One transaction holds the claim (a conditional update that exactly one caller wins), the successor
 * and the remembered answer: kill -9 anywhere leaves either all of it or the old token unused.
 * A loser's work is rolled back; then, for a refresh token inside the grace window, it gets the
 * winner's very answer again (a lost answer, two tabs, two processes), if it asks the same with the same
 * key. The answer is sealed under a
 * key derived from the presented token, which we do not store: database and root key together do
 * not open it. Afterwards, and for codes always, a second use ends the whole grant
 * (RFC 6749 section 4.1.2, RFC 9700 section 4.14.2).
 */
export function registerExchanges(provider: Provider, deps: ExchangeDeps): void {
  const helpers = { ...boundGrantHelpers(provider), ...proofHelpers }
  const { database, vault, clock } = deps

  provider.registerGrantType(
    'authorization_code',
    async (ctx) => {
      const code = param(ctx, 'code')
      try {
        await database.transaction(async () => {
          await exchangeCode(provider, helpers, ctx)
          const { client, entities } = ctx.oidc
          const redirectUri = entities.AuthorizationCode?.redirectUri
          // Taken away within this minute: whoever listens there is not the app any more.
          if (redirectUri && client?.redirectUriAllowed(redirectUri) === false)
            throw new InvalidGrant('redirect_uri is no longer registered')
        })
      } catch (error) {
        if (!(error instanceof AlreadyConsumed)) throw error
        const stored = await vault.findExpiredToo('AuthorizationCode', code)
        throw await usedBefore(stored, 'authorization code', 'reused')
      }
    },
    ['code', 'code_verifier', 'redirect_uri', 'resource'],
    ['resource'],
  )

  provider.registerGrantType(
    'refresh_token',
    async (ctx) => {
      const token = param(ctx, 'refresh_token')
      try {
        await database.transaction(async () => {
          await exchangeRefreshToken(provider, helpers, ctx)
          await remember(ctx, token)
        })
      } catch (error) {
        if (!(error instanceof AlreadyConsumed)) {
          if (error instanceof InvalidGrant) await sayWhy(ctx, token)
          throw error
        }
        const chain = await replaysSince(token)
        const [own, newest] = [chain[0], chain.at(-1)]
        if (!own || !newest) {
          const stored = await vault.findExpiredToo('RefreshToken', token)
          throw await usedBefore(stored, 'refresh token', 'refresh_reused')
        }
        if (!sameRequest(own, ctx) || !fits(newest, own))
          throw new InvalidGrant('replayed with other parameters')
        const spentSeconds = Math.floor((clock.now() - newest.answeredAt) / second)
        ctx.body = {
          ...newest.answer,
          expires_in: Math.max(1, newest.answer.expires_in - spentSeconds),
        }
      }
    },
    ['refresh_token', 'scope', 'resource'],
    ['resource'],
  )

  provider.registerGrantType(
    'client_credentials',
    (ctx) => exchangeClientCredentials(provider, helpers, ctx),
    ['scope', 'resource'],
    ['resource'],
  )

  provider.registerGrantType(
    deviceGrantType,
    async (ctx) => {
      try {
        // A second redemption is refused and ends nothing: two questions under way at once are no theft.
        await database.transaction(() => exchangeDeviceCode(provider, helpers, ctx))
      } catch (error) {
        if (!(error instanceof AuthorizationPending)) throw error
        const asked = `device-poll:${vault.digest(param(ctx, 'device_code'))}`
        throw deps.limiter.take(asked, pollRule).allowed ? error : new SlowDown()
      }
    },
    ['device_code', 'resource'],
    ['resource'],
  )

  async function sayWhy(ctx: KoaContextWithOIDC, token: string): Promise<void> {
    const why = await deps.grants.whyEnded(appOf(ctx.oidc.client).clientId, token)
    if (why !== null) endedBecause(ctx, why)
  }

  /** Everything was right but for this: it is not the first use. What the first one got ends. */
  async function usedBefore(
    stored: Opened<unknown> | null,
    what: string,
    reason: 'reused' | 'refresh_reused',
  ): Promise<Error> {
    if (!stored?.grantId || stored.consumedAt === null) return new InvalidGrant(`${what} not found`)
    await deps.grants.revoke(stored.grantId, reason)
    return new InvalidGrant(`${what} already used`)
  }

  async function remember(ctx: KoaContextWithOIDC, token: string): Promise<void> {
    const app = appOf(ctx.oidc.client)
    const answer = ctx.body as TokenAnswer // the handler has just written it
    const replay = sealedReplay(deps, app, token, { answer, ...requested(ctx) })
    if (replay) await vault.keepReplay('RefreshToken', token, replay)
  }

  /** Its own answer, then those of its successors, which may have been rotated by now. */
  async function replaysSince(token: string): Promise<Replay[]> {
    const chain: Replay[] = []
    let presented: string | undefined = token
    while (presented !== undefined) {
      const sealed: string | null = await vault.findReplay('RefreshToken', presented)
      if (sealed === null) break
      const replay = JSON.parse(openUnder(presented, sealed)) as Replay // we sealed it
      chain.push(replay)
      presented = replay.answer.refresh_token
    }
    return chain
  }
}

/** The winner's answer as it is kept for the app's grace window; null when the app allows none. */
export function sealedReplay(
  { clock, random }: Pick<ExchangeDeps, 'clock' | 'random'>,
  app: Pick<OAuthApp, 'clientId' | 'refreshGraceSeconds'>,
  token: string,
  given: Pick<Replay, 'answer' | 'scope' | 'resource' | 'jkt'>,
): KeptReplay | null {
  if (app.refreshGraceSeconds === 0) return null
  const now = clock.now()
  const replay: Replay = { ...given, clientId: app.clientId, answeredAt: now }
  const sealed = sealUnder(token, JSON.stringify(replay), random)
  return { sealed, until: now + app.refreshGraceSeconds * second }
}

const sameRequest = (replay: Replay, ctx: KoaContextWithOIDC): boolean => {
  const { scope, resource, jkt } = requested(ctx)
  return (
    replay.clientId === appOf(ctx.oidc.client).clientId &&
    replay.scope === scope &&
    replay.resource === resource &&
    (replay.jkt ?? null) === jkt
  )
}

/**
 * The newest generation may have been asked for otherwise. Bound to another key it is of no use here,
 * and nobody gets more scopes than they asked for; less is named in the answer (RFC 6749 section 5.1).
 */
const fits = (newest: Replay, own: Replay): boolean =>
  (newest.jkt ?? null) === (own.jkt ?? null) &&
  covers(scopeList(own.answer.scope), scopeList(newest.answer.scope))

const requested = (ctx: KoaContextWithOIDC) => ({
  scope: scopeList(param(ctx, 'scope')).sort().join(' '),
  resource: resourcesAsked(ctx).sort().join(' '),
  jkt: provenKey(ctx),
})

const param = (ctx: KoaContextWithOIDC, name: string): string => {
  const value = ctx.oidc.params?.[name]
  return typeof value === 'string' ? value : ''
}

const keyUnder = (token: string) =>
  Buffer.from(hkdfSync('sha256', token, 'latchkey', 'oauth/replay/1', 32))

function sealUnder(token: string, text: string, random: Random): string {
  const nonce = random.bytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyUnder(token), nonce)
  const body = cipher.update(text, 'utf8')
  cipher.final() // GCM holds nothing back
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
}

function openUnder(token: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', keyUnder(token), bytes.subarray(0, 12), {
    authTagLength: 16,
  }).setAuthTag(bytes.subarray(12, 28))
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
}
