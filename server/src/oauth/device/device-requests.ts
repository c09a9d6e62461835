import { type Clock, minute } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Principal } from '#platform/http/access.ts'
import { networkOf } from '#platform/http/network-of.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { RateLimiter, RateRule } from '#platform/limits/token-bucket.ts'
import { type Account, mayCall } from '../../accounts/index.ts'
import type { OAuthApp } from '../apps/app.ts'
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
  /** Allows or denies, once, and only by the session that claimed the code. */
  decide(
    person: Principal,
    typed: string,
    decision: 'allow' | 'deny',
  ): Promise<{ ok: true } | Refused>
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
      const id = deps.ids('grant')
      const settled = await database.transaction(async () => {
        const stored = await vault.settle<object>(
          model,
          code,
          holderOf(person),
          decision === 'allow' ? id : null,
          (payload) =>
            decision === 'deny'
              ? deniedDevice(payload)
              : allowedDevice(payload, {
                  accountId: account.id,
                  grantId: id,
                  authenticatedAt: person.authenticatedAt,
                  amr: person.amr,
                }),
        )
        if (!stored) return false
        if (decision === 'deny') return true
        const { clientId, scopes, resource } = deviceAsks(stored)
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
            deviceId: '',
            scopes,
            resource: deps.resources.find(resource)?.identifier ?? resource,
            redirectHost: '',
            createdAt: now,
            lastUsedAt: null,
            expiresAt: now + grantLifeMs,
            revokedAt: null,
            signedOutAt: null,
          },
          { kind: 'account', id: account.id, name: account.name },
        )
        return true
      })
      return settled ? { ok: true } : unknown
    },
  }
}
