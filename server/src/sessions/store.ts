import type { Device, Session, SessionEndReason } from './session.ts'

export type SessionStore = {
  insertDevice(device: Device & { tokenDigest: string; userAgent: string }): Promise<void>
  findDevice(accountId: string, tokenDigest: string): Promise<Device | null>
  hasDevices(accountId: string): Promise<boolean>
  touchDevice(id: string, seen: { address: string; name: string; at: number }): Promise<void>
  insertSession(
    session: Omit<Session, 'device'> & {
      deviceId: string
      tokenDigest: string
      amr: readonly string[]
    },
  ): Promise<void>
  /** Not ended; whether it is too old is the caller's rule. */
  findByToken(tokenDigest: string): Promise<(Omit<Session, 'device'> & { deviceId: string }) | null>
  /** Not ended, not past `now` in either limit; the most recently used first. */
  living(accountId: string, now: number): Promise<Session[]>
  /** At most one write a minute and session, however many requests. */
  touch(sessionId: string, at: number, notSince: number): Promise<boolean>
  /** Ends those that live; returns what ended. `only` one session, or all but `except`. */
  end(
    accountId: string,
    which: { only: string } | { except: string | null },
    reason: SessionEndReason,
    at: number,
  ): Promise<{ id: string; deviceId: string }[]>
  /** What ended from `at` on for another reason than `replaced`. */
  endedSince(at: number): Promise<{ id: string; accountId: string; deviceId: string }[]>
}
