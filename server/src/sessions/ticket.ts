import type { FastifyRequest } from 'fastify'
import { minute } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Account } from '../accounts/index.ts'
import { type SessionsContext, tokenDigest } from './context.ts'

export const ticketLifeMs = 5 * minute

const ticketDigest = (keyring: Keyring, token: string): string =>
  keyring.mac('session', `ticket|${token}`).digest

/**
 * Stands for a proof just given, so that the password need not be sent again: 256 bits of which only
 * a MAC is kept, good once, for five minutes, and in the browser that was asked.
 */
export async function mintTicket(
  { store, keyring, random, clock }: SessionsContext,
  proof: { account: Account; amr: readonly string[]; deviceToken: string },
): Promise<string> {
  const token = random.bytes(32).toString('base64url')
  await store.insertTicket({
    digest: ticketDigest(keyring, token),
    accountId: proof.account.id,
    deviceDigest: tokenDigest(keyring, proof.deviceToken),
    epoch: proof.account.epoch,
    amr: proof.amr,
    expiresAt: clock.now() + ticketLifeMs,
  })
  return token
}

/**
 * Uses a ticket up and says who proved what. Null for a used, old or foreign one, and where the
 * account has been closed or has moved its epoch since: a changed password voids the proof.
 */
export async function takeTicket(
  { store, keyring, clock, cookies, accounts }: SessionsContext,
  token: string,
  request: FastifyRequest,
): Promise<{ account: Account; amr: readonly string[] } | null> {
  const deviceToken = cookies.deviceToken(request)
  if (deviceToken === null) return null
  const ticket = await store.takeTicket(
    ticketDigest(keyring, token),
    tokenDigest(keyring, deviceToken),
    clock.now(),
  )
  const account = ticket && (await accounts.find(ticket.accountId))
  if (!account || account.state === 'closed' || account.epoch !== ticket.epoch) return null
  return { account, amr: ticket.amr }
}
