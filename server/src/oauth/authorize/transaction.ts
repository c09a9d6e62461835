import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '#platform/clock/clock.ts'
import { second } from '#platform/clock/clock.ts'
import type { Random } from '#platform/ids/ids.ts'
import { redirectHost } from '../apps/redirect-uri.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import { type StartedRequest, transactionLifeMs } from '../engine/engine.ts'

/**
 * A validated authorization request that waits for its person. What it asks never changes; it
 * belongs to the browser that started it (`nonceDigest`) and, once a session has seen it, to that
 * account (RFC 9700 section 4.7; the pending request must not be finished by a victim).
 */
export type Transaction = StartedRequest & {
  redirectHost: string
  nonceDigest: string
  decision: 'allow' | 'deny' | null
  createdAt: number
  expiresAt: number
  /** The account that has seen it; null before. */
  accountId: string | null
}

type Stored = Omit<Transaction, 'createdAt' | 'expiresAt' | 'accountId'>
const model = 'Transaction'

export type Transactions = {
  /** Returns the nonce for the browser's cookie. */
  start(request: StartedRequest): Promise<{ nonce: string }>
  /** Null when there is none, it has expired, or it was finished. */
  find(id: string): Promise<Transaction | null>
  /** True when it is now, or already was, this account's. */
  bind(transaction: Transaction, accountId: string): Promise<boolean>
  decide(transaction: Transaction, accountId: string, decision: 'allow' | 'deny'): Promise<void>
  /** True for the one caller that may finish it. */
  claim(transaction: Transaction): Promise<boolean>
}

export function openTransactions(vault: ArtifactVault, random: Random, clock: Clock): Transactions {
  return {
    async start(request) {
      const nonce = random.bytes(16).toString('base64url')
      const stored: Stored = {
        ...request,
        redirectHost: redirectHost(request.redirectUri),
        nonceDigest: digestOf(nonce),
        decision: null,
      }
      await vault.put(model, request.id, stored, { clientId: request.clientId }, transactionLifeMs)
      return { nonce }
    },
    async find(id) {
      const found = await vault.find<Stored>(model, id)
      if (!found || found.consumedAt !== null) return null
      return {
        ...found.payload,
        createdAt: found.createdAt,
        expiresAt: found.expiresAt ?? 0,
        accountId: found.accountId,
      }
    },
    bind: ({ id }, accountId) => vault.bind(model, id, accountId),
    async decide({ createdAt: _, expiresAt, accountId: __, ...stored }, accountId, decision) {
      const left = Math.max(second, expiresAt - clock.now())
      const labels = { clientId: stored.clientId, accountId }
      await vault.put(model, stored.id, { ...stored, decision }, labels, left)
    },
    claim: ({ id }) => vault.consume(model, id),
  }
}

export const digestOf = (nonce: string) => createHash('sha256').update(nonce).digest('base64url')

export const startedHere = (
  transaction: Pick<Transaction, 'nonceDigest'>,
  nonce: string | undefined,
): boolean =>
  nonce !== undefined &&
  timingSafeEqual(Buffer.from(digestOf(nonce)), Buffer.from(transaction.nonceDigest))
