import { type Clock, second } from '#platform/clock/clock.ts'
import type { Random } from '#platform/ids/ids.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import { digestOf } from '../authorize/transaction.ts'
import { transactionLifeMs } from '../engine/engine.ts'
import type { SignInHint } from './id-token-hint.ts'
import type { LogoutRequest } from './request.ts'

/**
 * A checked request to sign out that waits until the browser is back on our own site, at most ten
 * minutes. What it asks never changes; it belongs to the browser that brought it (`nonceDigest`).
 */
export type PendingLogout = {
  id: string
  clientId: string | null
  hint: SignInHint | null
  redirectUri: string | null
  state: string | null
  nonceDigest: string
  /** The person pressed the button here. */
  decided: boolean
  expiresAt: number
}

export type PendingLogouts = {
  /** Returns the name of the request, and the nonce for the browser's cookie. */
  start(request: LogoutRequest): Promise<{ id: string; nonce: string }>
  /** Null when there is none, it has expired, or it is done. */
  find(id: string): Promise<PendingLogout | null>
  decide(pending: PendingLogout): Promise<void>
  /** True for the one caller that may finish it. */
  claim(pending: PendingLogout): Promise<boolean>
}

type Stored = Omit<PendingLogout, 'expiresAt'>
const model = 'Logout'

export function openPendingLogouts(
  vault: ArtifactVault,
  random: Random,
  clock: Clock,
): PendingLogouts {
  const put = (stored: Stored, lifeMs: number) =>
    vault.put(model, stored.id, stored, { clientId: stored.clientId ?? undefined }, lifeMs)
  return {
    async start({ app, hint, redirectUri, state }) {
      const id = random.bytes(16).toString('base64url')
      const nonce = random.bytes(16).toString('base64url')
      const clientId = app?.clientId ?? null
      const nonceDigest = digestOf(nonce)
      const asked = { id, clientId, hint, redirectUri, state, nonceDigest, decided: false }
      await put(asked, transactionLifeMs)
      return { id, nonce }
    },
    async find(id) {
      const found = await vault.find<Stored>(model, id)
      if (!found || found.consumedAt !== null) return null
      return { ...found.payload, expiresAt: found.expiresAt ?? 0 }
    },
    decide: ({ expiresAt, ...stored }) =>
      put({ ...stored, decided: true }, Math.max(second, expiresAt - clock.now())),
    claim: ({ id }) => vault.consume(model, id),
  }
}
