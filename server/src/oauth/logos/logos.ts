import { createHash } from 'node:crypto'
import type { Clock } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import type { Audit } from '../../audit/index.ts'
import type { OAuthApp } from '../apps/app.ts'
import type { Apps, Person, Refused } from '../apps/apps.ts'
import { type LogoRefusal, readLogo } from './image.ts'
import type { LogoStore, StoredLogo } from './store.ts'

/**
 * Where a logo is served (`logo_uri`, RFC 7591 section 2): always here. An address elsewhere would
 * tell its host who is being asked, and could show something else tomorrow. The digest is a part of
 * it, so what is once there never changes.
 */
export const logoUri = (
  origin: string,
  { clientId, logoDigest }: Pick<OAuthApp, 'clientId' | 'logoDigest'>,
): string | null => (logoDigest === null ? null : `${origin}/oauth/logos/${clientId}/${logoDigest}`)

export type SetResult =
  | { ok: true; app: OAuthApp }
  | Refused<'not_found' | 'not_allowed' | LogoRefusal>

export type Logos = {
  set(person: Person, clientId: string, bytes: Buffer): Promise<SetResult>
  /** Nothing to remove is as well. */
  remove(
    person: Person,
    clientId: string,
  ): Promise<{ ok: true } | Refused<'not_found' | 'not_allowed'>>
  find(clientId: string, digest: string): Promise<StoredLogo | null>
}

export type LogosDeps = {
  store: LogoStore
  apps: Pick<Apps, 'forChange'>
  database: Database
  bus: EventBus
  clock: Clock
  audit: Pick<Audit, 'append'>
}

export function openLogos({ store, apps, database, bus, clock, audit }: LogosDeps): Logos {
  /** Part of the caller's transaction. */
  const noted = async (person: Person, app: OAuthApp, action: string, detail: object) => {
    const { clientId } = app
    database.afterCommit(() => bus.publish({ type: 'client.changed', clientId }))
    const subject = { kind: 'app', id: clientId, name: app.name }
    await audit.append({ actor: person, action, subject, detail: { ...detail } })
  }

  return {
    async set(person, clientId, bytes) {
      const reached = await apps.forChange(person.id, clientId)
      if (!reached.ok) return reached
      const read = readLogo(bytes)
      if (!read.ok) return read
      const { mediaType, bytes: picture } = read.image
      const digest = createHash('sha256').update(picture).digest('base64url')
      await database.transaction(async () => {
        await store.set(clientId, { digest, mediaType, bytes: picture }, clock.now())
        await noted(person, reached.app, 'app.logo_changed', { digest })
      })
      return { ok: true, app: { ...reached.app, logoDigest: digest } }
    },
    async remove(person, clientId) {
      const reached = await apps.forChange(person.id, clientId)
      if (!reached.ok) return reached
      await database.transaction(async () => {
        if (await store.remove(clientId)) await noted(person, reached.app, 'app.logo_removed', {})
      })
      return { ok: true }
    },
    find: store.find,
  }
}
