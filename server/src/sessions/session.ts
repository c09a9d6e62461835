import type { FastifyReply, FastifyRequest } from 'fastify'
import { day } from '#platform/clock/clock.ts'
import type { Principal } from '#platform/http/access.ts'
import type { Place } from '#platform/places/places.ts'
import type { Account } from '../accounts/index.ts'

export type SessionEndReason =
  | 'signed_out'
  /** An app asked for it, in the browser that it ends in (OpenID Connect RP-Initiated Logout 1.0). */
  | 'signed_out_by_app'
  | 'signed_out_elsewhere'
  | 'password_reset'
  | 'password_changed'
  | 'closed'
  | 'replaced'
  | 'revoked_all'
  /** The same, by an operator. */
  | 'revoked_by_operator'
  | 'role_changed'
  | 'not_me'
  | 'device_limit'

/** Idle for this long, or this old, and a session is over; enforced on the server. */
export const idleMs = 14 * day
export const absoluteMs = 90 * day

/** `app`: no browser, but what signed in by device code (RFC 8628); it holds the grant it got then. */
export type DeviceKind = 'browser' | 'app'

export type Device = {
  id: string
  kind: DeviceKind
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
  /** How the person proved who they are (RFC 8176). */
  amr: readonly string[]
  createdAt: number
  authenticatedAt: number
  lastSeenAt: number
  expiresAt: number
}

/**
 * An app that a person allowed on a device: its tokens live and end with it. `renewsUntil`: how long
 * its refresh token works; null where it holds none.
 */
export type HeldGrant = { id: string; clientName: string; renewsUntil: number | null }

/** A device with what hangs on it; one that holds nothing is not shown to anybody. */
export type HeldDevice = Device & { sessions: number; grants: HeldGrant[] }

/** Why the browser is not signed in any more; `expired` is the one reason that is written nowhere. */
export type SignedOutReason =
  | Exclude<SessionEndReason, 'signed_out' | 'signed_out_by_app' | 'replaced'>
  | 'expired'

/**
 * What this room asks of the room of apps, which is built on it; `compose.ts` hands it in. Each joins
 * the caller's transaction.
 */
export type SessionNeighbours = {
  grantsByDevice(accountId: string): Promise<(HeldGrant & { deviceId: string })[]>
  /** With the refresh families and access tokens under them. */
  endGrantsOfDevices(
    accountId: string,
    deviceIds: readonly string[],
    reason: SessionEndReason,
  ): Promise<void>
}

/** What signed in by device code, as far as it says. */
export type ArrivingApp = { clientName: string; userAgent: string; address: string; place: Place }

/** Its device, or what stands in its way: the devices to choose from, as at a sign-in. */
export type AppAdmission =
  | { ok: true; deviceId: string }
  | { ok: false; reason: 'device_limit_reached'; devices: HeldDevice[] }
  | { ok: false; reason: 'device_limit_refused' }

/** A sign-in by somebody who has proven who they are. */
export type SignIn =
  | { ok: true; session: Session }
  /** `ticket` stands for the proof, in this browser and for five minutes. */
  | { ok: false; reason: 'device_limit_reached'; devices: HeldDevice[]; ticket: string }
  | { ok: false; reason: 'device_limit_refused' }

export type Sessions = {
  /** Who holds the request's session cookie. Re-reads standing, so a closed account has no session. */
  authenticate(request: FastifyRequest): Promise<Principal | null>
  /**
   * A new session id for a proven account (never one the client chose), cookie set on `reply`; the
   * session that came with the request ends as `replaced`. Beyond the device limit the device least
   * recently seen ends.
   */
  start(
    account: Account,
    amr: readonly string[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Session>
  /** Like `start`, and beyond the device limit as the installation is set. */
  signIn(
    account: Account,
    amr: readonly string[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<SignIn>
  /** Goes on where `signIn` asked: ends that device and signs in. Null: the ticket does not work. */
  continueSignIn(
    input: { ticket: string; endDeviceId: string },
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<{ account: Account; signIn: SignIn } | null>
  /** Living sessions, the most recently used first. */
  list(accountId: string): Promise<Session[]>
  /** Ends one session of this account; false when there is none such. Publishes `session.ended`. */
  end(accountId: string, sessionId: string, reason: SessionEndReason): Promise<boolean>
  /**
   * A device for what this account allowed by its code, told to its owner. Beyond the limit as the
   * installation is set, but the browser that allows it (`by`) does not end for it. Joins the caller's
   * transaction.
   */
  admitApp(
    account: Account,
    app: ArrivingApp,
    by: { deviceId: string; endDeviceId?: string | undefined },
  ): Promise<AppAdmission>
  /** A device that is an app has shown itself. */
  noteApp(deviceId: string, address: string): Promise<void>
  /** A device that is an app holds nothing any more. Joins the caller's transaction. */
  forgetApp(accountId: string, deviceId: string): Promise<void>
  /** Devices that hold something, the most recently seen first. */
  devices(accountId: string): Promise<HeldDevice[]>
  /**
   * Ends devices of this account, one or all but `except`, each with its sessions, grants and tokens,
   * and forgets the browser. Returns how many; somebody else's and ended ones do not count.
   */
  endDevices(
    person: { id: string; name: string },
    which: { only: string } | { except: string },
    reason: SessionEndReason,
  ): Promise<number>
  /** Why the session that the request's cookie names is over; null where there is nothing to tell. */
  signedOutReason(request: FastifyRequest): Promise<SignedOutReason | null>
  /**
   * Ends all but `except`; returns how many. With the apps on their devices, unless the caller's
   * transaction ends every grant of the account at once.
   */
  endOthers(
    accountId: string,
    except: string | null,
    reason: SessionEndReason,
    apps?: 'end' | 'ended by the caller',
  ): Promise<number>
}
