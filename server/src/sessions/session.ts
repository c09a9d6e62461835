import type { FastifyReply, FastifyRequest } from 'fastify'
import { day } from '#platform/clock/clock.ts'
import type { Principal } from '#platform/http/access.ts'
import type { Account } from '../accounts/index.ts'

export type SessionEndReason =
  | 'signed_out'
  | 'signed_out_elsewhere'
  | 'password_reset'
  | 'password_changed'
  | 'closed'
  | 'replaced'

/** Idle for this long, or this old, and a session is over; enforced on the server. */
export const idleMs = 14 * day
export const absoluteMs = 90 * day

export type Device = {
  id: string
  accountId: string
  name: string
  address: string
  firstSeenAt: number
  lastSeenAt: number
}

export type Session = {
  id: string
  accountId: string
  device: Device
  createdAt: number
  authenticatedAt: number
  lastSeenAt: number
  expiresAt: number
}

export type Sessions = {
  /** Who holds the request's session cookie. Re-reads standing, so a closed account has no session. */
  authenticate(request: FastifyRequest): Promise<Principal | null>
  /**
   * A new session id for a proven account (never one the client chose), cookie set on `reply`; the
   * session that came with the request ends as `replaced`.
   */
  start(
    account: Account,
    amr: readonly string[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Session>
  /** Living sessions, the most recently used first. */
  list(accountId: string): Promise<Session[]>
  /** Ends one session of this account; false when there is none such. Publishes `session.ended`. */
  end(accountId: string, sessionId: string, reason: SessionEndReason): Promise<boolean>
  /** Ends all but `except`; returns how many. */
  endOthers(accountId: string, except: string | null, reason: SessionEndReason): Promise<number>
  /**
   * Sessions that ended from `at` on, but for those that went on under a new id: what a listener
   * asks that may have missed a `session.ended`, because the process died behind the write.
   */
  endedSince(at: number): Promise<{ id: string; accountId: string; deviceId: string }[]>
}
