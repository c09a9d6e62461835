import type { Device, Session, SessionEndReason } from './session.ts'

export type Ticket = { accountId: string; epoch: number; amr: readonly string[]; expiresAt: number }

export type SessionStore = {
  insertDevice(
    device: Device & {
      tokenDigest: string
      userAgent: string
      alarm: { digest: string; until: number } | null
    },
  ): Promise<void>
  /** Uses up the alarm of a device; exactly one caller gets the device. */
  takeAlarm(digest: string, now: number): Promise<Device | null>
  /** Not ended. */
  findDevice(accountId: string, tokenDigest: string): Promise<Device | null>
  /** Those of `ids` that have not ended, the most recently seen first. */
  devices(accountId: string, ids: readonly string[]): Promise<Device[]>
  /** Ends those of `ids` that live; returns which. Their browsers are strangers from then on. */
  endDevices(accountId: string, ids: readonly string[], at: number): Promise<string[]>
  /** Also ended ones, until they are swept. */
  hasDevices(accountId: string): Promise<boolean>
  /** Without a name it keeps the one it has. */
  touchDevice(id: string, seen: { address: string; name?: string; at: number }): Promise<void>
  insertTicket(ticket: Ticket & { digest: string; deviceDigest: string }): Promise<void>
  /** Deletes the ticket; exactly one caller gets it, from the browser it was made for, in time. */
  takeTicket(digest: string, deviceDigest: string, now: number): Promise<Ticket | null>
  /**
   * Deletes tickets that have run out, at most `limit` sessions that ended or ran out before
   * `endedBefore`, and at most as many devices without a session that ended before then or were not seen
   * since `unseenBefore`. Returns the larger of both numbers: below `limit` nothing is left.
   */
  sweep(
    than: { endedBefore: number; unseenBefore: number; now: number },
    limit: number,
  ): Promise<number>
  insertSession(
    session: Omit<Session, 'device'> & {
      deviceId: string
      tokenDigest: string
    },
  ): Promise<void>
  /** Not ended; whether it is too old is the caller's rule. */
  findByToken(tokenDigest: string): Promise<(Omit<Session, 'device'> & { deviceId: string }) | null>
  /** How a session ended, or when it runs out; null when there never was one, or it is forgotten. */
  findEnd(
    tokenDigest: string,
  ): Promise<{ reason: SessionEndReason | null; lastSeenAt: number; expiresAt: number } | null>
  /** Not ended, not past `now` in either limit; the most recently used first. */
  living(accountId: string, now: number): Promise<Session[]>
  /** At most one write a minute and session, however many requests. */
  touch(sessionId: string, at: number, notSince: number): Promise<boolean>
  /** Ends those that live; returns what ended. `only` one session, those of devices, or all but `except`. */
  end(
    accountId: string,
    which: { only: string } | { devices: readonly string[] } | { except: string | null },
    reason: SessionEndReason,
    at: number,
  ): Promise<{ id: string; deviceId: string }[]>
}
