import { type Clock, minute } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Principal } from '#platform/http/access.ts'
import { networkOf } from '#platform/http/network-of.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { RateLimiter, RateRule } from '#platform/limits/token-bucket.ts'
import type { Places } from '#platform/places/places.ts'
import { type Account, mayCall } from '../../accounts/index.ts'
import type { AppAdmission, Sessions } from '../../sessions/index.ts'
import { type OAuthApp, saidYesTo } from '../apps/app.ts'
import type { Apps } from '../apps/apps.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import { allowedDevice, type DeviceAsks, deniedDevice, deviceAsks } from '../engine/device.ts'
import type { Engine } from '../engine/engine.ts'
import { type Grants, grantLifeMs } from '../grants/grants.ts'
import type { Resources } from '../resources/resources.ts'
import { readUserCode } from './user-code.ts'

export type DeviceDeps = {
  resources: Pick<Resources, 'find'>
  vault: ArtifactVault
  engine: Pick<Engine, 'recordGrant'>
  apps: Pick<Apps, 'lookUp'>
  grants: Grants
  sessions: Pick<Sessions, 'admitApp'>
  places: Places
  database: Database
  limiter: RateLimiter
  clock: Clock
  ids: Ids
  findAccount(id: string): Promise<Account | null>
}

/** A device that waits, as the person who typed its code sees it. */
export type DeviceRequest = DeviceAsks & {
  app: OAuthApp
  /** Whether the device asked from the network the person is in. */
  sameNetwork: boolean
  requestedAt: number
  expiresAt: number
}

export type DeviceRefusal = 'code_unknown' | 'too_many_codes'
export type NoRoom = Extract<AppAdmission, { ok: false }>
type Refused = { ok: false; reason: DeviceRefusal; retryAfterSeconds?: number }

export type DeviceRequests = {
  /**
   * Looks a typed code up and ties it to this session, once: from then on nobody else may see or
   * decide it. A code that is wrong, expired, decided or somebody else's gets one and the same answer.
   */
  claim(
    person: Principal,
    typed: string,
    address: string,
  ): Promise<{ ok: true; request: DeviceRequest } | Refused>
  /**
   * Allows or denies, once, and only by the session that claimed the code. A device too many asks
   * which to end, as a sign-in does; the code can be answered again then.
   */
  decide(
    person: Principal,
    typed: string,
    decision: { kind: 'allow'; endDeviceId?: string | undefined } | { kind: 'deny' },
  ): Promise<{ ok: true } | Refused | NoRoom>
}

const model = 'DeviceCode'
const unknown: Refused = { ok: false, reason: 'code_unknown' }

/**
 * Wrong guesses: by one network, by one account, and by everybody together. At the last rate, with a
 * thousand devices waiting, somebody hits one of them once in a year and a half (RFC 8628 section 5.1).
 */
const guesses: Record<'network' | 'account' | 'all', RateRule> = {
  network: { burst: 20, perMs: 10 * minute },
  account: { burst: 10, perMs: 10 * minute },
  all: { burst: 300, perMs: 10 * minute },
}

export function openDeviceRequests(deps: DeviceDeps): DeviceRequests {
  const { vault, limiter, grants, clock, database } = deps
  const holderOf = ({ accountId, sessionId }: Principal) => ({ accountId, sessionUid: sessionId })

  return {
    async claim(person, typed, address) {
      const buckets: [string, RateRule][] = [
        [`device-guess:network:${networkOf(address)}`, guesses.network],
        [`device-guess:account:${person.accountId}`, guesses.account],
        ['device-guess:all', guesses.all],
      ]
      const taken: [string, RateRule][] = []
      for (const [name, rule] of buckets) {
        const rate = limiter.take(name, rule)
        if (rate.allowed) taken.push([name, rule])
        else {
          // Whoever is stopped by one bucket does not empty the others.
          for (const one of taken) limiter.giveBack(...one)
          const { retryAfterSeconds } = rate
          return { ok: false, reason: 'too_many_codes', retryAfterSeconds }
        }
      }
      const code = readUserCode(typed)
      const claimed = code && (await vault.claim<object>(model, code, holderOf(person)))
      if (!claimed) return unknown
      for (const one of taken) limiter.giveBack(...one)
      const asks = deviceAsks(claimed.payload)
      const app = await deps.apps.lookUp(asks.clientId)
      if (!app) return unknown
      const sameNetwork = networkOf(asks.address) === networkOf(address)
      return {
        ok: true,
        request: {
          ...asks,
          app,
          sameNetwork,
          requestedAt: claimed.createdAt,
          expiresAt: claimed.expiresAt ?? 0,
        },
      }
    },

    async decide(person, typed, decision) {
      const code = readUserCode(typed)
      const account = await deps.findAccount(person.accountId)
      if (!code || !account || !mayCall(account.state)) return unknown
      if (decision.kind === 'deny')
        return (await settle(code, person, null, deniedDevice)) ? { ok: true } : unknown
      const waiting = await vault.findByUserCode<object>(model, code)
      if (!waiting) return unknown
      const asks = deviceAsks(waiting.payload)
      const app = await deps.apps.lookUp(asks.clientId)
      if (!app) return unknown
      const place = await deps.places.of(asks.address) // before the transaction: it may read a file
      const id = deps.ids('grant')
      try {
        return await database.transaction(async () => {
          const { address, userAgent } = asks
          const arriving = { clientName: app.name, userAgent, address, place }
          const by = { deviceId: person.deviceId, endDeviceId: decision.endDeviceId }
          const admitted = await deps.sessions.admitApp(account, arriving, by)
          if (!admitted.ok) return admitted // what was ended for it stays ended: one step of several
          const yes = { ...person, grantId: id }
          if (!(await settle(code, person, id, (payload) => allowedDevice(payload, yes))))
            throw new Unsettled()
          await recordYes(account, app, asks, id, admitted.deviceId)
          return { ok: true }
        })
      } catch (error) {
        if (error instanceof Unsettled) return unknown
        throw error
      }
    },
  }

  function settle(
    code: string,
    person: Principal,
    grantId: string | null,
    change: (payload: object) => object,
  ): Promise<object | null> {
    return vault.settle<object>(model, code, holderOf(person), grantId, change)
  }

  async function recordYes(
    account: Account,
    app: OAuthApp,
    { clientId, scopes, resource }: DeviceAsks,
    id: string,
    deviceId: string,
  ): Promise<void> {
    const now = clock.now()
    const { epoch } = account
    const allowed = { accountId: account.id, clientId, epoch, scopes, resource }
    await deps.engine.recordGrant({ id, ...allowed })
    await grants.record(
      {
        id,
        accountId: account.id,
        clientId,
        // The device is not this browser: its access outlives the session that allowed it.
        sessionId: id,
        deviceId,
        scopes: saidYesTo(app, scopes),
        resource: deps.resources.find(resource)?.identifier ?? resource,
        redirectHost: '',
        createdAt: now,
        lastUsedAt: null,
        renewsUntil: null,
        expiresAt: now + grantLifeMs,
        revokedAt: null,
        signedOutAt: null,
      },
      { kind: 'account', id: account.id, name: account.name },
    )
  }
}

/** Rolls the admission back: somebody else had the code, or it was answered or too old. */
class Unsettled extends Error {}
