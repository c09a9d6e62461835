import { changed, type Database } from '#platform/db/database.ts'
import type { MediaType } from './image.ts'
import type { LogoStore } from './store.ts'

type Tables = {
  oauth_clients: { id: string; logo_digest: string | null }
  oauth_client_logos: {
    client_id: string
    digest: string
    media_type: string
    data: string
    created_at: number
  }
}

/** The digest stands with the app too, so that whoever shows an app needs no second question. */
export function sqlLogoStore(database: Database): LogoStore {
  const db = database.tables<Tables>()
  const note = (clientId: string, digest: string | null) =>
    db.query
      .updateTable('oauth_clients')
      .set({ logo_digest: digest })
      .where('id', '=', clientId)
      .execute()

  return {
    async set(clientId, { digest, mediaType, bytes }, now) {
      const row = { digest, media_type: mediaType, data: bytes.toString('base64'), created_at: now }
      await db.query
        .insertInto('oauth_client_logos')
        .values({ client_id: clientId, ...row })
        .onConflict((conflict) => conflict.column('client_id').doUpdateSet(row))
        .execute()
      await note(clientId, digest)
    },
    async remove(clientId) {
      await note(clientId, null)
      const result = await db.query
        .deleteFrom('oauth_client_logos')
        .where('client_id', '=', clientId)
        .executeTakeFirst()
      return changed(result) === 1
    },
    async find(clientId, digest) {
      const row = await db.query
        .selectFrom('oauth_client_logos')
        .selectAll()
        .where('client_id', '=', clientId)
        .where('digest', '=', digest)
        .executeTakeFirst()
      return row
        ? {
            digest: row.digest,
            mediaType: row.media_type as MediaType, // `set` wrote it
            bytes: Buffer.from(row.data, 'base64'),
          }
        : null
    },
  }
}
