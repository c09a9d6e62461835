/**
 * The authorization server: apps (OAuth clients), authorization with consent, codes, tokens, grants,
 * and the judging of access tokens for the gateway.
 *
 * States: a signing key is pending → active → retiring → gone (`signing/rotation.ts`); a transaction
 * is open → seen by an account → decided → finished, at most ten minutes; a
 * grant stands until it is revoked or 180 days old, and with it ends everything issued under it. It
 * hangs on the session it was given in and on the account's epoch: sign-out, suspension and password
 * reset end it. What was allowed by device code hangs on a device of its own, not on the
 * browser that said yes. A sign-in at an app is over when its device, its account's epoch or its person ends it
 * (`signed_out_at`), whatever became of its tokens before. Invariants: a code or refresh token is
 * redeemed by exactly one request; nobody is sent to a redirect URI that is not registered, save an
 * owner who has the inspector open, to its page; every URL is built from the configured origin;
 * values are stored as keyed digests, payloads sealed.
 *
 * Neighbours: audit (every change of an app, every yes and its end), accounts (who, standing, epoch), mail (a reused
 * refresh token is told to its owner), organizations (who owns an app), sessions (read by
 * the app's choke point; `session.ended` arrives as an event). The protocol engine is known to
 * `engine/` alone; proofs of possession (`dpop/`) are judged before it sees a request.
 */
import type { FastifyReply } from 'fastify'
import type { Clock } from '#platform/clock/clock.ts'
import { minute, second } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Database } from '#platform/db/database.ts'
import type { EventBus } from '#platform/events/events.ts'
import { remembered } from '#platform/events/remembered.ts'
import type { Health } from '#platform/health/health.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { Ids, Random } from '#platform/ids/ids.ts'
import { every, type Job } from '#platform/jobs/every.ts'
import type { RateLimiter } from '#platform/limits/token-bucket.ts'
import type { Log } from '#platform/log/log.ts'
import type { Metrics } from '#platform/metrics/metrics.ts'
import type { Outbound } from '#platform/outbound/outbound.ts'
import { parseTarget } from '#platform/outbound/target.ts'
import type { Places } from '#platform/places/places.ts'
import type { ReplayMemories } from '#platform/replay/replay.ts'
import type { Accounts } from '../accounts/index.ts'
import type { Audit } from '../audit/index.ts'
import type { ResourceSetting } from '../config.ts'
import type { Mail } from '../mail/index.ts'
import type { Organizations } from '../organizations/index.ts'
import type { HeldGrant, SessionEndReason, Sessions } from '../sessions/index.ts'
import type { AccessTokenVerifier } from './access-token.ts'
import { type Apps, openApps } from './apps/apps.ts'
import { appRoutes } from './apps/routes.ts'
import { sqlAppStore } from './apps/store.sql.ts'
import { sqlArtifactStore } from './artifacts/store.sql.ts'
import { artifactVault } from './artifacts/vault.ts'
import { noticePage } from './authorize/pages.ts'
import { authorizeRoutes } from './authorize/routes.ts'
import { startTransaction } from './authorize/start.ts'
import { openTransactions } from './authorize/transaction.ts'
import { txCookies } from './authorize/tx-cookie.ts'
import { openBackchannel } from './backchannel/backchannel.ts'
import { logoutToken } from './backchannel/logout-token.ts'
import { deliveryRoutes } from './backchannel/routes.ts'
import { sqlDeliveryStore } from './backchannel/store.sql.ts'
import { openDeviceRequests } from './device/device-requests.ts'
import { deviceRoutes } from './device/routes.ts'
import { openDocuments } from './documents/documents.ts'
import { serverNonces } from './dpop/nonces.ts'
import { possessions } from './dpop/possession.ts'
import { oauthEndpoints } from './endpoints.ts'
import { createEngine } from './engine/engine.ts'
import { endGrantsOnEvents } from './grants/ends.ts'
import { grantExporter } from './grants/export.ts'
import type { RevokeReason } from './grants/grant.ts'
import { openGrants } from './grants/grants.ts'
import { grantRoutes } from './grants/routes.ts'
import { sqlGrantStore } from './grants/store.sql.ts'
import { openInspections } from './inspector/inspections.ts'
import { openLentKeys } from './inspector/lent-keys.ts'
import { inspectorRoutes } from './inspector/routes.ts'
import { directIntrospection } from './introspect/direct.ts'
import { openLogos } from './logos/logos.ts'
import { logoRoutes } from './logos/routes.ts'
import { sqlLogoStore } from './logos/store.sql.ts'
import { idTokenReader } from './logout/id-token-hint.ts'
import { openPendingLogouts } from './logout/pending.ts'
import { logoutRoutes } from './logout/routes.ts'
import { protectedResourceRoutes } from './protected-resource.ts'
import { openRegistrations } from './register/registrations.ts'
import { registerRoutes } from './register/routes.ts'
import { openResources } from './resources/resources.ts'
import { openKeyRing } from './signing/key-ring.ts'
import { openSweeper } from './sweeper.ts'
import { directTokens } from './token/direct.ts'
import { userinfoRoutes } from './userinfo.ts'
import { accessTokenVerifier } from './verify/verifier.ts'

export type {
  AccessToken,
  AccessTokenRefusal,
  AccessTokenVerifier,
  GatewayScope,
  Verified,
} from './access-token.ts'
export { gatewayScopes, identityScopes } from './access-token.ts'
export { dpopChallenge } from './dpop/answers.ts'
export type { Claimed } from './dpop/possession.ts'

export type OAuthDeps = {
  config: { origin: string; loopbackFetch: boolean; resources: readonly ResourceSetting[] }
  database: Database
  keyring: Keyring
  bus: EventBus
  ids: Ids
  random: Random
  clock: Clock
  log: Log
  limiter: RateLimiter
  outbound: Outbound
  health: Health
  metrics: Metrics
  places: Places
  replays: ReplayMemories
  accounts: Pick<Accounts, 'find' | 'standing'>
  organizations: Pick<Organizations, 'of' | 'roleIn'>
  sessions: Pick<Sessions, 'list' | 'end' | 'admitApp' | 'noteApp' | 'forgetApp'>
  /** Takes the session's cookie out of the browser. */
  forgetBrowser(reply: FastifyReply): void
  audit: Pick<Audit, 'append'>
  mail: Pick<Mail, 'send'>
}

export type OAuth = {
  /** For the gateway: judges tokens that are not API keys, and proofs of who holds them. */
  verifier: AccessTokenVerifier
  /** How many grants of this account stand, for the operator's picture of it. */
  countGrants(accountId: string): Promise<number>
  /** For sessions: what hangs on a device and ends with it. `end` joins the caller's transaction. */
  devices: {
    grants(accountId: string): Promise<(HeldGrant & { deviceId: string })[]>
    end(accountId: string, deviceIds: readonly string[], reason: SessionEndReason): Promise<void>
  }
  /** After `revokeAccount`: deletes the account's codes, tokens and transactions, a batch at a time. */
  endAccount(accountId: string): Promise<void>
  /** The account's grants, for its export. */
  exporter: ReturnType<typeof grantExporter>
  /** One pass of what deletes the expired; the worker runs it every five minutes, and tests instead of waiting. */
  sweep(): Promise<void>
  /** One pass of the signing-key job; the worker runs it every minute, and tests instead of waiting. */
  rotateKeys(): Promise<void>
  /**
   * Every grant and every sign-in at an app is over; the apps are told. For accounts, whose move of the
   * epoch ends all tokens. Joins the caller's transaction.
   */
  revokeAccount(accountId: string, reason: RevokeReason): Promise<void>
  /** Tells apps of sign-outs now; the worker does it every two seconds, and tests instead of waiting. */
  deliverLogouts(): Promise<number>
  /** How many messages to apps were given up in the last seven days. */
  countUndeliveredLogouts(): Promise<number>
  /** The workers: what has expired is deleted a batch at a time, signing keys are rotated, apps are told of sign-outs. */
  start(): void
  stop(): Promise<void>
  /** For `oauthRoutes`. */
  routes(app: App, problem: ProblemSender): Promise<void>
}

/** Somebody waits for this one, and others wait for the database meanwhile. */
const endBatch = 200

/** Adds every route of this room, the protocol's and the console's. */
export const oauthRoutes = (app: App, deps: { oauth: OAuth; problem: ProblemSender }) =>
  deps.oauth.routes(app, deps.problem)

export async function createOAuth(deps: OAuthDeps): Promise<OAuth> {
  const { database, keyring, clock, bus, log, accounts, random } = deps
  const { origin } = deps.config
  const resource = `${origin}/v1`
  const resources = openResources(resource, deps.config.resources)
  const artifacts = sqlArtifactStore(database)
  const vault = artifactVault(artifacts, keyring, clock)
  const grantStore = sqlGrantStore(database)
  const appStore = sqlAppStore(database)
  const reaches = (url: string) => parseTarget(url, deps.config.loopbackFetch) !== null
  const grants = openGrants({
    ...deps,
    store: grantStore,
    vault,
    findAccount: (id) => accounts.find(id),
    nameOf: async (clientId) => (await appStore.find(clientId))?.name ?? clientId,
    tell: (signIns) => backchannel.tell(signIns),
  })
  const kept = openApps({
    ...deps,
    reaches,
    store: appStore,
    revokeGrants: (clientId) => grants.revokeClient(clientId, 'client_removed'),
  })
  const documents = openDocuments({
    ...deps,
    store: appStore,
    apps: kept,
    allowLoopback: deps.config.loopbackFetch,
    reaches,
  })
  const apps: Apps = {
    ...kept,
    noteUse(app) {
      documents.renew(app)
      return kept.noteUse(app)
    },
  }
  const registrations = openRegistrations({
    ...deps,
    store: appStore,
    vault,
    revokeGrants: (clientId) => grants.revokeClient(clientId, 'client_removed'),
  })
  const logos = openLogos({ ...deps, store: sqlLogoStore(database), apps })
  const lentKeys = openLentKeys({ ...deps, vault })
  const inspections = openInspections({ ...deps, origin, apps, vault, keys: lentKeys })
  const keys = await openKeyRing(deps)
  const backchannel = openBackchannel({
    ...deps,
    store: sqlDeliveryStore(database),
    appStore,
    lookUp: apps.lookUp,
    tokenFor: (notice, app) =>
      logoutToken(notice, app, { issuer: origin, keys: keys.all(), clock, random }),
  })
  const transactions = openTransactions(vault, random, clock)
  const cookies = txCookies(origin, clock)

  const proofs = possessions({
    clock,
    nonces: serverNonces(keyring.derive('oauth/dpop-nonces/1', 32), clock),
    atTokenEndpoint: deps.replays.open('dpop-token'),
    atResource: deps.replays.open('dpop-resource'),
  })

  const verifier = accessTokenVerifier({
    issuer: origin,
    audience: resource,
    knows: (audience) => resources.find(audience)?.identifier === audience,
    keys,
    clock,
    bus,
    standing: (accountId) => accounts.standing(accountId),
    grantStands: async (id) => (await grants.find(id))?.revokedAt === null,
    client: (id) => apps.lookUp(id),
    possessions: proofs,
  })

  const findPerson = async (id: string) => {
    const account = await accounts.find(id)
    const organization = account && (await deps.organizations.of(id))[0]?.organization
    return account && organization ? { account, organizationId: organization.id } : null
  }
  // Who asks for tokens all the time is read once in this; within it every node has to know of a change.
  const people = remembered({ find: findPerson, forMs: second, max: 5_000, clock })
  bus.subscribe('account.changed', ({ accountId }) => people.forget(accountId))
  bus.subscribe('events.missed', people.forgetAll)
  const direct = directTokens({
    ...deps,
    origin,
    resource,
    vault,
    apps,
    grants,
    findAccount: people.get,
    signingKey() {
      const key = keys.all().find(({ alg }) => alg === 'ES256')
      if (!key) throw new Error('no ES256 signing key')
      return key
    },
  })
  const introspection = directIntrospection({
    ...deps,
    origin,
    resource,
    resources,
    vault,
    apps,
    verifier,
    findAccount: people.get,
  })
  const engine = createEngine({
    origin,
    outbound: deps.outbound,
    resources,
    database,
    keyring,
    random,
    limiter: deps.limiter,
    clock,
    log,
    keys: keys.all(),
    vault,
    apps,
    lentKeys,
    documents,
    grants,
    verifier,
    findAccount: findPerson,
    onStarted: startTransaction(origin, transactions, cookies),
    errorPage: (locale, error, status) =>
      noticePage(origin, locale, status >= 500 ? 'unavailable' : 'request_refused', error),
  })

  keys.onChange(engine.useKeys)

  const stopEnding = endGrantsOnEvents({ grants, bus, log })
  const sweeper = openSweeper({ ...deps, artifacts, grants, appStore, registrations, backchannel })
  let rotation: Job | undefined

  return {
    verifier,
    devices: {
      async grants(accountId) {
        const found = await grants.byDevice(accountId)
        const clients = await appStore.findAll([...new Set(found.map(({ clientId }) => clientId))])
        const nameOf = (id: string) => clients.find(({ clientId }) => clientId === id)?.name ?? id
        return found.map(({ id, clientId, deviceId, renewsUntil }) => ({
          id,
          deviceId,
          renewsUntil,
          clientName: nameOf(clientId),
        }))
      },
      end: grants.revokeDevices,
    },
    async endAccount(accountId) {
      while ((await artifacts.retireAccount(accountId, endBatch, clock.now())) > 0)
        await new Promise((resolve) => setImmediate(resolve)) // others have a turn
    },
    countGrants: async (accountId) => (await grants.listOf(accountId)).length,
    exporter: grantExporter(grants, appStore),
    async routes(app, problem) {
      await oauthEndpoints(app, {
        origin,
        engine,
        limiter: deps.limiter,
        directTokens: direct,
        introspection,
        possessions: proofs,
      })
      const findAccount = (id: string) => accounts.find(id)
      await userinfoRoutes(app, { origin, verifier, vault, findAccount })
      await registerRoutes(app, { origin, registrations, limiter: deps.limiter, reaches })
      protectedResourceRoutes(app, origin)
      const { database, ids } = deps
      authorizeRoutes(app, {
        origin,
        resources,
        engine,
        transactions,
        cookies,
        apps,
        grants,
        inspections,
        database,
        clock,
        ids,
        findAccount,
        sessionLives: async (accountId, sessionId) =>
          (await deps.sessions.list(accountId)).some(({ id }) => id === sessionId),
        problem,
      })
      await logoutRoutes(app, {
        ...deps,
        origin,
        pending: openPendingLogouts(vault, random, clock),
        cookies: txCookies(origin, clock, 'lk_out_'),
        apps,
        grants,
        readIdToken: idTokenReader(origin, keys),
        problem,
      })
      const requests = openDeviceRequests({
        ...deps,
        resources,
        vault,
        engine,
        apps,
        grants,
        findAccount,
      })
      deliveryRoutes(app, backchannel, apps, problem)
      deviceRoutes(app, origin, requests, resources, deps.places, problem)
      appRoutes(app, origin, apps, problem)
      logoRoutes(app, origin, logos, problem)
      inspectorRoutes(app, inspections, problem)
      grantRoutes(app, origin, grants, appStore, resources, problem)
    },
    rotateKeys: keys.rotate,
    sweep: sweeper.sweep,
    deliverLogouts: backchannel.deliver,
    countUndeliveredLogouts: backchannel.countUndelivered,
    revokeAccount: grants.revokeAccount,
    start() {
      backchannel.start()
      rotation = every(minute, 'signing keys', log, keys.rotate)
      sweeper.start()
    },
    async stop() {
      await sweeper.stop()
      await rotation?.stop()
      await backchannel.stop()
      await stopEnding()
      await documents.stop()
    },
  }
}
