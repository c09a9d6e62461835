import { type Clock, minute } from '#platform/clock/clock.ts'
import type { Secret } from '#platform/crypto/secret.ts'
import type { Database } from '#platform/db/database.ts'
import type { Principal } from '#platform/http/access.ts'
import type { Audit } from '../../audit/index.ts'
import type { OAuthApp } from '../apps/app.ts'
import { hasSecret } from '../apps/app.ts'
import type { Apps, Refused } from '../apps/apps.ts'
import {
  type ClientKey,
  type ClientKeyRefusal,
  judgeClientKey,
  publicPart,
} from '../apps/client-key.ts'
import type { ArtifactVault } from '../artifacts/vault.ts'
import type { LentKeys } from './lent-keys.ts'

/** How long an inspection is open, and what was lent for it good. */
export const inspectionLifeMs = 30 * minute

/**
 * Where the console's inspector takes an app's answers: a page of ours. It is no setting of the app:
 * a second redirect URI there would change what the app's own requests may leave out, and whether
 * people are asked again (`alwaysAsks`).
 */
export const inspectorRedirectUri = (origin: string, clientId: string): string =>
  `${origin}/apps/${clientId}/inspector/callback`

/** Apps that registered themselves have nobody who could inspect them. */
export const isInspectorRedirect = (
  origin: string,
  app: Pick<OAuthApp, 'clientId' | 'organizationId'>,
  uri: string,
): boolean => app.organizationId !== null && uri === inspectorRedirectUri(origin, app.clientId)

export type Inspection = {
  redirectUri: string
  expiresAt: number
  /** Null where none was asked for. */
  secret: Secret | null
}

export type OpenResult =
  | { ok: true; inspection: Inspection }
  | Refused<'not_found' | 'not_allowed' | 'public_client' | KeyRefusal>

/** Why a key cannot be lent. */
export type KeyRefusal = ClientKeyRefusal | 'not_by_key'

export type Inspections = {
  /**
   * Opens one for this person at this device; one that is open there already ends. `lendSecret` makes
   * a client secret that lives as long as the inspection and leaves the app's own ones alone; `lendKey`
   * has a public key count as long, for an app that proves itself by one.
   */
  open(
    person: Principal,
    clientId: string,
    options: { lendSecret: boolean; lendKey: ClientKey | null },
  ): Promise<OpenResult>
  /** Ends it with its secret and its key; nothing to end is as well. */
  end(
    person: Principal,
    clientId: string,
  ): Promise<{ ok: true } | Refused<'not_found' | 'not_allowed'>>
  /** Whether this person, at this device, has one open for the app. */
  isOpen(person: Pick<Principal, 'accountId' | 'deviceId'>, clientId: string): Promise<boolean>
}

export type InspectionsDeps = {
  origin: string
  apps: Pick<Apps, 'forChange' | 'lendSecret' | 'takeBackSecret'>
  keys: Pick<LentKeys, 'lend' | 'takeBack'>
  vault: ArtifactVault
  database: Database
  clock: Clock
  audit: Pick<Audit, 'append'>
}

const model = 'Inspection'
type Stored = { secretDigest: string | null; key?: true }

/** While one is open, an owner may be sent to the inspector with a code; nobody else ever is. */
export function openInspections(deps: InspectionsDeps): Inspections {
  const { apps, vault, database, clock } = deps
  // The device and not the session: signing in again in the middle of a test is a test of its own.
  const nameOf = (person: Pick<Principal, 'accountId' | 'deviceId'>, clientId: string) =>
    `${clientId}/${person.accountId}/${person.deviceId}`

  const written = (person: Principal, app: OAuthApp, action: string, detail: object) =>
    deps.audit.append({
      actor: { kind: 'account', id: person.accountId, name: person.name },
      action,
      subject: { kind: 'app', id: app.clientId, name: app.name },
      detail: { ...detail },
    })

  /** True when there was one. Part of the caller's transaction. */
  const close = async (name: string, clientId: string): Promise<boolean> => {
    const found = await vault.find<Stored>(model, name)
    if (!found) return false
    await vault.remove(model, name)
    if (found.payload.key) await deps.keys.takeBack(clientId, name)
    if (found.payload.secretDigest) await apps.takeBackSecret(clientId, found.payload.secretDigest)
    return true
  }

  return {
    async open(person, clientId, { lendSecret, lendKey }) {
      const reached = await apps.forChange(person.accountId, clientId)
      if (!reached.ok) return reached
      if (lendSecret && !hasSecret(reached.app)) return { ok: false, reason: 'public_client' }
      if (lendKey) {
        if (reached.app.authMethod !== 'private_key_jwt') return { ok: false, reason: 'not_by_key' }
        const reason = judgeClientKey(lendKey)
        if (reason) return { ok: false, reason }
      }
      const name = nameOf(person, clientId)
      const expiresAt = clock.now() + inspectionLifeMs
      const lent = await database.transaction(async () => {
        await close(name, clientId)
        const made = lendSecret ? await apps.lendSecret(clientId, inspectionLifeMs) : null
        if (lendKey) await deps.keys.lend(clientId, name, publicPart(lendKey), inspectionLifeMs)
        const stored: Stored = { secretDigest: made?.digest ?? null, ...(lendKey && { key: true }) }
        const labels = { accountId: person.accountId, clientId }
        await vault.put(model, name, stored, labels, inspectionLifeMs)
        await written(person, reached.app, 'app.inspection_opened', {
          secret_lent: lendSecret,
          key_lent: lendKey !== null,
        })
        return made
      })
      const redirectUri = inspectorRedirectUri(deps.origin, clientId)
      return { ok: true, inspection: { redirectUri, expiresAt, secret: lent?.secret ?? null } }
    },

    async end(person, clientId) {
      const reached = await apps.forChange(person.accountId, clientId)
      if (!reached.ok) return reached
      await database.transaction(async () => {
        if (await close(nameOf(person, clientId), clientId))
          await written(person, reached.app, 'app.inspection_ended', {})
      })
      return { ok: true }
    },

    isOpen: async (person, clientId) =>
      (await vault.find(model, nameOf(person, clientId))) !== null,
  }
}
