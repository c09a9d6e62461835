import {
  type ExpressionBuilder,
  type ExpressionWrapper,
  type Selectable,
  type SqlBool,
  sql,
} from 'kysely'
import { changed, type Database } from '#platform/db/database.ts'
import type { Artifact, ArtifactStore } from './artifact.ts'

type ArtifactTable = {
  model: string
  id_digest: string
  account_id: string | null
  client_id: string | null
  grant_id: string | null
  session_uid: string | null
  uid: string | null
  user_code_digest: string | null
  payload: string
  created_at: number
  expires_at: number | null
  consumed_at: number | null
  replay: string | null
  replay_until: number | null
}
/** What an artifact is written as; a replay comes later. */
type ArtifactRow = Omit<ArtifactTable, 'replay' | 'replay_until'>
type Tables = { oauth_artifacts: ArtifactTable }
type Condition = (
  eb: ExpressionBuilder<Tables, 'oauth_artifacts'>,
) => ExpressionWrapper<Tables, 'oauth_artifacts', SqlBool>

const retired = (now: number) => ({ payload: '', consumed_at: now, expires_at: now })
const unusedRefresh: Condition = (eb) =>
  eb.and([eb('model', '=', 'RefreshToken'), eb('consumed_at', 'is', null)])

const columns = {
  model: 'text',
  id_digest: 'text',
  account_id: 'text',
  client_id: 'text',
  grant_id: 'text',
  session_uid: 'text',
  uid: 'text',
  user_code_digest: 'text',
  payload: 'text',
  created_at: 'bigint',
  expires_at: 'bigint',
  consumed_at: 'bigint',
} as const satisfies Record<keyof ArtifactRow, string>
const names = Object.keys(columns)
const valuesOf = (artifact: Artifact) => {
  const row = toRow(artifact)
  return names.map((name) => row[name as keyof ArtifactRow])
}

const insertText = `insert into oauth_artifacts (${names.join(', ')})
  values (${names.map(() => '?').join(', ')})`
const kept = ['model', 'id_digest', 'created_at', 'consumed_at']
const putText = `${insertText} on conflict (model, id_digest) do update set
  ${names
    .filter((name) => !kept.includes(name))
    .map((name) => `${name} = excluded.${name}`)
    .join(', ')}`
const livingText = `select ${names.join(', ')} from oauth_artifacts
  where model = ? and id_digest = ? and (expires_at is null or expires_at > ?)`
const consumeText = `update oauth_artifacts set consumed_at = ?
  where model = ? and id_digest = ? and consumed_at is null`
// A rotation that runs beside the end of its grant may leave a successor that the end has not seen. The
// grant is asked in the same statement, so that such a successor is good for nothing.
const claimText = `update oauth_artifacts set consumed_at = ?, replay = ?, replay_until = ?
  where model = ? and id_digest = ? and consumed_at is null and exists (
    select 1 from oauth_grants where id = oauth_artifacts.grant_id and revoked_at is null)`
/** PostgreSQL's claim and successor in one statement: one round trip, and no transaction to hold. */
const rotateText = `with claimed as (${claimText} returning 1)
  insert into oauth_artifacts (${names.join(', ')})
  select ${Object.values(columns)
    .map((type) => `cast(? as ${type})`)
    .join(', ')} from claimed`

export function sqlArtifactStore(database: Database): ArtifactStore {
  const db = database.tables<Tables>()
  const put = database.statement(putText)
  const findLiving = database.statement<ArtifactRow>(livingText)
  const consume = database.statement(consumeText)
  const rotateAtOnce = database.statement(rotateText)

  const living = (model: string, now: number) =>
    db.query
      .selectFrom('oauth_artifacts')
      .selectAll()
      .where('model', '=', model)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))

  /** At most `limit` rows, by where they lie; the condition again, for what was written anew meanwhile. */
  const some =
    (limit: number, which: Condition): Condition =>
    (eb) => {
      const place = database.kind === 'sqlite' ? sql<string>`rowid` : sql<string>`ctid`
      const chosen = eb.selectFrom('oauth_artifacts').select(place.as('place')).where(which)
      const one = chosen.limit(limit)
      // PostgreSQL goes to each row by its place only when they come as an array.
      const among =
        database.kind === 'sqlite'
          ? sql<SqlBool>`rowid in ${one}`
          : sql<SqlBool>`ctid = any(array${one})`
      return eb.and([among, which(eb)])
    }
  /** One statement a batch: a commit for each row would be slow, all rows at once would hold the database. */
  const removeSome = async (limit: number, which: Condition): Promise<number> =>
    changed(
      await db.query.deleteFrom('oauth_artifacts').where(some(limit, which)).executeTakeFirst(),
    )

  return {
    async put(artifact) {
      await put(valuesOf(artifact))
    },
    async putOnce(artifact) {
      const result = await db.query
        .insertInto('oauth_artifacts')
        .values(toRow(artifact))
        .onConflict((conflict) => conflict.columns(['model', 'id_digest']).doNothing())
        .executeTakeFirst()
      return changed({ numInsertedOrUpdatedRows: result.numInsertedOrUpdatedRows }) === 1
    },
    find: async (model, idDigest, now) =>
      fromRow((await findLiving([model, idDigest, now])).rows[0]),
    findByUid: async (model, uid, now) =>
      fromRow(await living(model, now).where('uid', '=', uid).executeTakeFirst()),
    findByUserCode: async (model, digest, now) =>
      fromRow(await living(model, now).where('user_code_digest', '=', digest).executeTakeFirst()),
    // One statement decides: on PostgreSQL the second caller waits for the row, then finds it taken.
    consume: async (model, idDigest, now) => (await consume([now, model, idDigest])).changes === 1,
    async rotate(used, replay, next, now) {
      const claim = [now, replay?.sealed ?? null, replay?.until ?? null, used.model, used.idDigest]
      if (database.kind === 'postgres')
        return (await rotateAtOnce([...claim, ...valuesOf(next)])).changes === 1
      return database.transaction(async () => {
        if (database.runEach(claimText, [claim]) !== 1) return false
        database.runEach(insertText, [valuesOf(next)])
        return true
      })
    },
    async keepReplay(model, idDigest, { sealed, until }) {
      await db.query
        .updateTable('oauth_artifacts')
        .set({ replay: sealed, replay_until: until })
        .where('model', '=', model)
        .where('id_digest', '=', idDigest)
        .execute()
    },
    async findReplay(model, idDigest, now) {
      const row = await db.query
        .selectFrom('oauth_artifacts')
        .select('replay')
        .where('model', '=', model)
        .where('id_digest', '=', idDigest)
        .where('replay_until', '>', now)
        .executeTakeFirst()
      return row?.replay ?? null
    },
    async dropReplays(now, limit) {
      const over = await db.query
        .selectFrom('oauth_artifacts')
        .select(['model', 'id_digest'])
        .where('replay_until', '<=', now)
        .limit(limit)
        .execute()
      for (const { model, id_digest } of over)
        await db.query
          .updateTable('oauth_artifacts')
          .set({ replay: null, replay_until: null })
          .where('model', '=', model)
          .where('id_digest', '=', id_digest)
          .where('replay_until', '<=', now)
          .execute()
      return over.length
    },
    bind: async (model, idDigest, accountId) =>
      changed(
        await db.query
          .updateTable('oauth_artifacts')
          .set({ account_id: accountId })
          .where('model', '=', model)
          .where('id_digest', '=', idDigest)
          .where((eb) => eb.or([eb('account_id', 'is', null), eb('account_id', '=', accountId)]))
          .executeTakeFirst(),
      ) === 1,
    claim: async (model, idDigest, { accountId, sessionUid }, now) =>
      changed(
        await db.query
          .updateTable('oauth_artifacts')
          .set({ account_id: accountId, session_uid: sessionUid })
          .where('model', '=', model)
          .where('id_digest', '=', idDigest)
          .where('user_code_digest', 'is not', null)
          .where('consumed_at', 'is', null)
          .where('expires_at', '>', now)
          .where((eb) =>
            eb.or([
              eb.and([eb('account_id', 'is', null), eb('session_uid', 'is', null)]),
              eb.and([eb('account_id', '=', accountId), eb('session_uid', '=', sessionUid)]),
            ]),
          )
          .executeTakeFirst(),
      ) === 1,
    // Without its user code it is settled: nobody finds it by typing, and no second outcome fits.
    settle: async (model, idDigest, holder, { payload, grantId }, now) =>
      changed(
        await db.query
          .updateTable('oauth_artifacts')
          .set({ payload, grant_id: grantId, user_code_digest: null })
          .where('model', '=', model)
          .where('id_digest', '=', idDigest)
          .where('user_code_digest', 'is not', null)
          .where('consumed_at', 'is', null)
          .where('expires_at', '>', now)
          .where('account_id', '=', holder.accountId)
          .where('session_uid', '=', holder.sessionUid)
          .executeTakeFirst(),
      ) === 1,
    async remove(model, idDigest) {
      await db.query
        .deleteFrom('oauth_artifacts')
        .where('model', '=', model)
        .where('id_digest', '=', idDigest)
        .execute()
    },
    async retire(grantIds, now) {
      if (grantIds.length === 0) return
      const theirs: Condition = (eb) => eb('grant_id', 'in', grantIds)
      await db.query
        .updateTable('oauth_artifacts')
        .set(retired(now))
        .where((eb) => eb.and([theirs(eb), unusedRefresh(eb)]))
        .execute()
      await db.query
        .deleteFrom('oauth_artifacts')
        .where((eb) => eb.and([theirs(eb), eb('payload', '!=', '')]))
        .execute()
    },
    async retireAccount(accountId, limit, now) {
      const theirs: Condition = (eb) => eb('account_id', '=', accountId)
      const emptied = changed(
        await db.query
          .updateTable('oauth_artifacts')
          .set(retired(now))
          .where(some(limit, (eb) => eb.and([theirs(eb), unusedRefresh(eb)])))
          .executeTakeFirst(),
      )
      if (emptied > 0) return emptied
      return removeSome(limit, (eb) => eb.and([theirs(eb), eb('payload', '!=', '')]))
    },
    async grantOf(model, idDigest) {
      const row = await db.query
        .selectFrom('oauth_artifacts')
        .select('grant_id')
        .where('model', '=', model)
        .where('id_digest', '=', idDigest)
        .executeTakeFirst()
      return row?.grant_id ?? null
    },
    sweep: (now, limit, kept, keptMs) =>
      removeSome(limit, (eb) => {
        const expired = eb('expires_at', '<=', now)
        if (kept.length === 0) return expired
        const longAgo = eb('expires_at', '<=', now - keptMs)
        return eb.and([expired, eb.or([eb('model', 'not in', kept), longAgo])])
      }),
  }
}

const toRow = (artifact: Artifact): ArtifactRow => ({
  model: artifact.model,
  id_digest: artifact.idDigest,
  account_id: artifact.accountId,
  client_id: artifact.clientId,
  grant_id: artifact.grantId,
  session_uid: artifact.sessionUid,
  uid: artifact.uid,
  user_code_digest: artifact.userCodeDigest,
  payload: artifact.payload,
  created_at: artifact.createdAt,
  expires_at: artifact.expiresAt,
  consumed_at: artifact.consumedAt,
})

const fromRow = (row: Selectable<ArtifactRow> | undefined): Artifact | null =>
  row
    ? {
        model: row.model,
        idDigest: row.id_digest,
        accountId: row.account_id,
        clientId: row.client_id,
        grantId: row.grant_id,
        sessionUid: row.session_uid,
        uid: row.uid,
        userCodeDigest: row.user_code_digest,
        payload: row.payload,
        createdAt: row.created_at,
        expiresAt: row.expires_at,
        consumedAt: row.consumed_at,
      }
    : null
