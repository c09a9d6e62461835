import type { Selectable } from 'kysely'
import { changed, type Database } from '#platform/db/database.ts'
import { scopeList } from '../scopes.ts'
import {
  type AppSecret,
  type AppSettings,
  type AuthMethod,
  type GrantType,
  type OAuthApp,
  refreshDefaults,
} from './app.ts'
import { type ClientKey, publicPart } from './client-key.ts'
import type { ApplicationType } from './redirect-uri.ts'
import type { AppStore } from './store.ts'

type ClientTable = {
  id: string
  organization_id: string | null
  created_by: string | null
  metadata: string
  settings: string
  created_at: number
  updated_at: number
  last_used_at: number | null
  expires_at: number | null
  document_read_at: number | null
  document_fresh_until: number | null
  logo_digest: string | null
}
type SecretTable = {
  client_id: string
  digest: string
  hint: string
  created_at: number
  expires_at: number | null
  temporary: number
}
type Tables = { oauth_clients: ClientTable; oauth_client_secrets: SecretTable }

/** RFC 7591 names, as the metadata column keeps them. */
type StoredMetadata = {
  client_name: string
  redirect_uris: string[]
  post_logout_redirect_uris?: string[]
  backchannel_logout_uri?: string
  backchannel_logout_session_required?: boolean
  grant_types: GrantType[]
  token_endpoint_auth_method: AuthMethod
  jwks?: { keys: ClientKey[] }
  jwks_uri?: string
  application_type: ApplicationType
  scope: string
  id_token_signed_response_alg?: 'ES256' | 'RS256'
  dpop_bound_access_tokens?: boolean
}
type StoredSettings = {
  legacy_confidential?: boolean
  id_token_claims?: AppSettings['idTokenClaims']
  refresh_grace_seconds?: number
  refresh_idle_seconds?: number
  refresh_absolute_seconds?: number
}

export function sqlAppStore(database: Database): AppStore {
  const db = database.tables<Tables>()

  const withSecrets = async (rows: Selectable<ClientTable>[]): Promise<OAuthApp[]> => {
    if (rows.length === 0) return []
    const secrets = await db.query
      .selectFrom('oauth_client_secrets')
      .selectAll()
      .where(
        'client_id',
        'in',
        rows.map((row) => row.id),
      )
      .orderBy('created_at', 'desc')
      .execute()
    return rows.map((row) =>
      fromRow(
        row,
        secrets.filter((secret) => secret.client_id === row.id),
      ),
    )
  }

  return {
    async insert(app) {
      await db.query
        .insertInto('oauth_clients')
        .values({
          id: app.clientId,
          organization_id: app.organizationId,
          created_by: app.createdBy,
          ...columns(app),
          created_at: app.createdAt,
          updated_at: app.createdAt,
          last_used_at: null,
          expires_at: null,
          document_read_at: null,
          document_fresh_until: null,
          logo_digest: app.logoDigest,
        })
        .execute()
      if (app.secrets.length > 0)
        await db.query
          .insertInto('oauth_client_secrets')
          .values(app.secrets.map((secret) => secretRow(app.clientId, secret)))
          .execute()
    },
    async find(clientId) {
      const row = await db.query
        .selectFrom('oauth_clients')
        .selectAll()
        .where('id', '=', clientId)
        .executeTakeFirst()
      return row ? ((await withSecrets([row]))[0] ?? null) : null
    },
    findAll: async (clientIds) =>
      clientIds.length === 0
        ? []
        : withSecrets(
            await db.query
              .selectFrom('oauth_clients')
              .selectAll()
              .where('id', 'in', clientIds)
              .execute(),
          ),
    listByOrganizations: async (organizationIds) =>
      organizationIds.length === 0
        ? []
        : withSecrets(
            await db.query
              .selectFrom('oauth_clients')
              .selectAll()
              .where('organization_id', 'in', organizationIds)
              .orderBy('id', 'desc')
              .limit(500)
              .execute(),
          ),
    listLapsed: async (before, limit) =>
      withSecrets(
        await db.query
          .selectFrom('oauth_clients')
          .selectAll()
          .where('organization_id', 'is', null)
          .where((eb) => eb(eb.fn.coalesce('last_used_at', 'created_at'), '<=', before))
          .limit(limit)
          .execute(),
      ),
    async putDescribed(app) {
      const described = {
        ...columns(app),
        created_at: app.createdAt,
        updated_at: app.document.readAt,
        document_read_at: app.document.readAt,
        document_fresh_until: app.document.freshUntil,
      }
      await db.query
        .insertInto('oauth_clients')
        .values({
          id: app.clientId,
          organization_id: null,
          created_by: null,
          ...described,
          last_used_at: null,
          expires_at: null,
        })
        // Two nodes may read the same document for the first time at once.
        .onConflict((conflict) => conflict.column('id').doUpdateSet(described))
        .execute()
    },
    update: async (clientId, settings, now) =>
      changed(
        await db.query
          .updateTable('oauth_clients')
          .set({ ...columns(settings), updated_at: now })
          .where('id', '=', clientId)
          .executeTakeFirst(),
      ) === 1,
    async addSecret(clientId, secret, othersUntil) {
      await db.query
        .updateTable('oauth_client_secrets')
        .set({ expires_at: othersUntil })
        .where('client_id', '=', clientId)
        .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', othersUntil)]))
        .execute()
      await db.query
        .deleteFrom('oauth_client_secrets')
        .where('client_id', '=', clientId)
        .where('expires_at', '<=', secret.createdAt)
        .execute()
      await db.query
        .insertInto('oauth_client_secrets')
        .values(secretRow(clientId, secret))
        .execute()
    },
    async lendSecret(clientId, secret) {
      await db.query
        .deleteFrom('oauth_client_secrets')
        .where('client_id', '=', clientId)
        .where('temporary', '=', 1)
        .where('expires_at', '<=', secret.createdAt)
        .execute()
      await db.query
        .insertInto('oauth_client_secrets')
        .values(secretRow(clientId, secret))
        .execute()
    },
    async removeSecret(clientId, digest) {
      await db.query
        .deleteFrom('oauth_client_secrets')
        .where('client_id', '=', clientId)
        .where('digest', '=', digest)
        .execute()
    },
    async removeEndedSecrets(now) {
      await db.query.deleteFrom('oauth_client_secrets').where('expires_at', '<=', now).execute()
    },
    async touch(clientId, now) {
      await db.query
        .updateTable('oauth_clients')
        .set({ last_used_at: now })
        .where('id', '=', clientId)
        .execute()
    },
    async remove(clientId) {
      await db.query.deleteFrom('oauth_client_secrets').where('client_id', '=', clientId).execute()
      const result = await db.query
        .deleteFrom('oauth_clients')
        .where('id', '=', clientId)
        .executeTakeFirst()
      return changed(result) === 1
    },
  }
}

const columns = (settings: AppSettings) => ({
  metadata: JSON.stringify({
    client_name: settings.name,
    redirect_uris: [...settings.redirectUris],
    post_logout_redirect_uris: [...settings.postLogoutRedirectUris],
    ...(settings.backchannelLogoutUri === null
      ? {}
      : { backchannel_logout_uri: settings.backchannelLogoutUri }),
    backchannel_logout_session_required: settings.backchannelLogoutSessionRequired,
    grant_types: [...settings.grantTypes],
    token_endpoint_auth_method: settings.authMethod,
    ...(settings.jwks === null ? {} : { jwks: { keys: settings.jwks.map(publicPart) } }),
    ...(settings.jwksUri === null ? {} : { jwks_uri: settings.jwksUri }),
    application_type: settings.applicationType,
    scope: settings.scopes.join(' '),
    id_token_signed_response_alg: settings.idTokenAlg,
    dpop_bound_access_tokens: settings.dpopBound,
  } satisfies StoredMetadata),
  settings: JSON.stringify({
    legacy_confidential: settings.legacyConfidential,
    id_token_claims: settings.idTokenClaims,
    refresh_grace_seconds: settings.refreshGraceSeconds,
    refresh_idle_seconds: settings.refreshIdleSeconds,
    refresh_absolute_seconds: settings.refreshAbsoluteSeconds,
  } satisfies StoredSettings),
})

const secretRow = (clientId: string, secret: AppSecret): SecretTable => ({
  client_id: clientId,
  digest: secret.digest,
  hint: secret.hint,
  created_at: secret.createdAt,
  expires_at: secret.expiresAt,
  temporary: secret.temporary ? 1 : 0,
})

function fromRow(row: Selectable<ClientTable>, secrets: Selectable<SecretTable>[]): OAuthApp {
  const metadata = JSON.parse(row.metadata) as StoredMetadata // `columns` wrote it
  const settings = JSON.parse(row.settings) as StoredSettings
  return {
    clientId: row.id,
    organizationId: row.organization_id,
    createdBy: row.created_by,
    name: metadata.client_name,
    redirectUris: metadata.redirect_uris,
    postLogoutRedirectUris: metadata.post_logout_redirect_uris ?? [],
    backchannelLogoutUri: metadata.backchannel_logout_uri ?? null,
    backchannelLogoutSessionRequired: metadata.backchannel_logout_session_required ?? false,
    grantTypes: metadata.grant_types,
    authMethod: metadata.token_endpoint_auth_method,
    jwks: metadata.jwks?.keys ?? null,
    jwksUri: metadata.jwks_uri ?? null,
    applicationType: metadata.application_type,
    scopes: scopeList(metadata.scope),
    idTokenAlg: metadata.id_token_signed_response_alg ?? 'ES256',
    dpopBound: metadata.dpop_bound_access_tokens ?? false,
    legacyConfidential: settings.legacy_confidential ?? false,
    idTokenClaims: settings.id_token_claims ?? 'with_scopes',
    refreshGraceSeconds: settings.refresh_grace_seconds ?? refreshDefaults.refreshGraceSeconds,
    refreshIdleSeconds: settings.refresh_idle_seconds ?? refreshDefaults.refreshIdleSeconds,
    refreshAbsoluteSeconds:
      settings.refresh_absolute_seconds ?? refreshDefaults.refreshAbsoluteSeconds,
    secrets: secrets.map((secret) => ({
      digest: secret.digest,
      hint: secret.hint,
      createdAt: secret.created_at,
      expiresAt: secret.expires_at,
      temporary: secret.temporary === 1,
    })),
    logoDigest: row.logo_digest,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    document:
      row.document_read_at === null || row.document_fresh_until === null
        ? null
        : { readAt: row.document_read_at, freshUntil: row.document_fresh_until },
  }
}
