import type { Server } from 'node:http'
import type { Clock } from '#platform/clock/clock.ts'
import { type Keyring, localKeyring } from '#platform/crypto/keyring.ts'
import { loadRootKey, parseRootKey } from '#platform/crypto/root-key.ts'
import { Secret } from '#platform/crypto/secret.ts'
import { openDataFolder } from '#platform/data-folder/data-folder.ts'
import type { Database } from '#platform/db/database.ts'
import { migrate, pendingMigrations } from '#platform/db/migrate.ts'
import { openDatabase } from '#platform/db/open.ts'
import { type EventBus, inProcessBus } from '#platform/events/events.ts'
import { createHealth, Down, type Health } from '#platform/health/health.ts'
import { healthRoutes } from '#platform/health/routes.ts'
import type { OperatorRole } from '#platform/http/access.ts'
import { type App, createApp, type RouteEntry } from '#platform/http/app.ts'
import { consoleFiles } from '#platform/http/console-files.ts'
import { createListener } from '#platform/http/listener.ts'
import { openApiRoutes } from '#platform/http/openapi.ts'
import { type Ids, makeIds, type Random } from '#platform/ids/ids.ts'
import { memoryRateLimiter, type RateLimiter } from '#platform/limits/token-bucket.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import { createMetrics, type Metrics } from '#platform/metrics/metrics.ts'
import { connectToChecked, resolveByDns } from '#platform/outbound/connect.ts'
import { createOutbound, type Outbound, type OutboundEdges } from '#platform/outbound/outbound.ts'
import { openPlaces, type Places } from '#platform/places/places.ts'
import { memoryReplays, type ReplayMemories } from '#platform/replay/replay.ts'
import type { Locale } from '../messages/messages.ts'
import {
  type Accounts,
  accountExporter,
  accountRoutes,
  auditExporter,
  createAccounts,
  type Exporter,
  firstOperator,
  mintOperatorLink,
  operatorClaimRoutes,
  passwordRoutes,
  profileRoutes,
} from './accounts/index.ts'
import { appealRoutes, createAppeals, presentAppeal } from './appeals/index.ts'
import { type Audit, createAudit } from './audit/index.ts'
import type { Config } from './config.ts'
import { createGateway, type Gateway, modelsRoutes } from './gateway/index.ts'
import { createHelp, helpRoutes } from './help/index.ts'
import { createKeys, type Keys, keyExporter, keysRoutes } from './keys/index.ts'
import { createMail, type Mail, outboxRoutes } from './mail/index.ts'
import { createOAuth, type OAuth, oauthRoutes } from './oauth/index.ts'
import { countCalls, operationsRoutes } from './operations/index.ts'
import { createOrganizations, organizationExporter, projectRoutes } from './organizations/index.ts'
import type { Welcome } from './ready-text.ts'
import { createSessions, deviceRoutes, sessionExporter, sessionRoutes } from './sessions/index.ts'
import { step } from './start-trouble.ts'
import { caseExporter, caseRoutes, createTrust, operatorRoutes } from './trust/index.ts'
import { createUsage, usageExporter, usageRoutes } from './usage/index.ts'

/** What comes from outside and may be replaced in tests. */
export type Edges = {
  clock: Clock
  random: Random
  log: Log
  /** DNS and sockets of the fetcher; default: the real ones. */
  outbound?: Pick<OutboundEdges, 'resolve' | 'connect'>
}

/** What every room may ask for. */
export type Platform = Omit<Edges, 'outbound'> & {
  config: Config
  database: Database
  keyring: Keyring
  bus: EventBus
  ids: Ids
  limiter: RateLimiter
  /** Countries of network addresses, told to the owners of devices. */
  places: Places
  /** What may be presented once. */
  replays: ReplayMemories
  /** Rooms register what they depend on; `/readyz` asks. */
  health: Health
  /** Rooms declare what they count; `/metrics` shows it. */
  metrics: Metrics
  /** The only way to a URL that somebody else chose. */
  outbound: Outbound
}

export type Latchkey = {
  platform: Platform
  app: App
  inventory: readonly RouteEntry[]
  server: Server
  oauth: OAuth
  accounts: Accounts
  audit: Audit
  keys: Keys
  gateway: Gateway
  mail: Mail
  /** What the first lines at a start tell. */
  welcome: Welcome
  /** One pass of everything that forgets; the workers do it by themselves, and tests instead of waiting. */
  sweep(): Promise<void>
  /** For `latchkey operator create`. A secret: printed, never logged. */
  mintOperatorLink(input: {
    email?: string
    role: OperatorRole
  }): Promise<{ ok: true; link: string } | { ok: false; reason: 'email_invalid' }>
  /** The address served, with the real port when 0 was asked for. */
  listen(): Promise<string>
  /**
   * Readiness off, no new connection, answers under way finish for at most `drainSeconds` (default
   * 0), then everything is closed.
   */
  close(drainSeconds?: number): Promise<void>
}

/** The one file that knows every room. Plain calls, in the order of who needs whom. */
export async function compose(config: Config, edges: Edges): Promise<Latchkey> {
  const folder = await step('data folder', () => openDataFolder(config.dataDir))
  const platform = await openPlatform(config, edges).catch((error: unknown) => {
    folder.release()
    throw error
  })
  const { health, log, metrics } = platform

  // -- rooms ---------------------------------------------------------------------------------------
  const audit = createAudit(platform)
  const mail = createMail(platform)
  const organizations = createOrganizations({ ...platform, audit })
  const { accounts, ...identity } = createAccounts({
    ...platform,
    audit,
    mail,
    // Rooms built on accounts, handed back to it: called at requests, when all of them exist.
    neighbours: {
      createPersonal: organizations.createPersonal,
      organizationsOf: organizations.of,
      endSessions: (...args) => sessions.endOthers(...args),
      endApps: (...args) => oauth.endAccount(...args),
      endGrants: (...args) => oauth.revokeAccount(...args),
      startSession: (...args) => sessions.start(...args),
    },
  })
  const {
    sessions,
    context: sessionsContext,
    sweeper: sessionsSweeper,
  } = createSessions({
    ...platform,
    accounts,
    audit,
    mail,
    forcePasswordReset: identity.forcePasswordReset,
    neighbours: {
      grantsByDevice: (...args) => oauth.devices.grants(...args),
      endGrantsOfDevices: (...args) => oauth.devices.end(...args),
    },
  })
  const oauth = await createOAuth({
    ...platform,
    accounts,
    organizations,
    sessions,
    forgetBrowser: sessionsContext.cookies.forgetBrowser,
    audit,
    mail,
  })
  const keys = createKeys({ ...platform, audit, keyPrefix: config.keyPrefix })
  const usage = createUsage({ ...platform, dataDir: config.dataDir, touchKeys: keys.touch })
  const gateway = createGateway({
    ...platform,
    origin: config.origin,
    upstreams: config.upstreams,
    trustedProxies: config.trustedProxies,
    keys,
    usage: { record: countCalls(metrics, usage.record), totals: usage.totals },
    standing: accounts.standing,
    tokens: oauth.verifier,
  })
  const trust = createTrust({ ...platform, accounts, audit, mail })
  const appeals = createAppeals({ ...platform, accounts, trust, audit, mail })
  const appealsOf = async (caseIds: readonly string[], locale: Locale) =>
    (await appeals.ofCases(caseIds)).map((appeal) => presentAppeal(appeal, locale))
  /** What `GET /api/account/export` gathers: one part a room. */
  const exporters: Exporter[] = [
    accountExporter(identity.context),
    organizationExporter(organizations),
    sessionExporter(sessions),
    keyExporter(keys),
    oauth.exporter,
    usageExporter({ usage, organizationsOf: organizations.of, clock: edges.clock }),
    caseExporter({ trust, clock: edges.clock, appealsOf }),
    auditExporter(audit),
  ]
  const sweepers = [mail, identity.sweeper, sessionsSweeper, oauth]
  const workers = [...sweepers, trust]

  const accountNames = async (ids: readonly string[]) =>
    new Map((await accounts.findAll(ids)).map(({ id, name }) => [id, name]))
  const spendOf30Days = async (accountId: string) => {
    const organizationIds = (await organizations.of(accountId)).map(
      ({ organization }) => organization.id,
    )
    return usage.recentCost(organizationIds, 30)
  }
  metrics.gauge('latchkey_calls_running', 'Calls running now.', gateway.running)
  metrics.gauge('latchkey_upstream_healthy', '1: the model server answers.', () =>
    gateway.upstreams().map(({ name, healthy }) => ({
      labels: { upstream: name },
      value: healthy ? 1 : 0,
    })),
  )
  for (const { name } of gateway.upstreams())
    health.register({
      name: `upstream ${name}`,
      weight: 'degrading',
      async check() {
        const detail = gateway.upstreams().find((one) => one.name === name)?.detail
        if (detail) throw new Down(detail)
      },
    })
  health.register({
    name: 'usage journal',
    weight: 'required',
    async check() {
      if (usage.failure) throw usage.failure
    },
  })
  await step('database', usage.start) // what a killed process left in the journal

  // -- surfaces ------------------------------------------------------------------------------------
  let server: Server | undefined
  const { app, inventory, problem } = await createApp({
    origin: config.origin,
    log,
    clock: edges.clock,
    ids: platform.ids,
    limiter: platform.limiter,
    metrics,
    trustedProxies: config.trustedProxies,
    authenticate: sessions.authenticate,
    serverFactory: (handler) => {
      server = createListener({
        app: handler,
        gateway: gateway.handle,
      })
      return server
    },
  })
  const identityRoutes = { context: identity.context, problem }
  accountRoutes(app, identityRoutes)
  passwordRoutes(app, identityRoutes)
  operatorClaimRoutes(app, identityRoutes)
  profileRoutes(app, {
    ...identityRoutes,
    exporters,
    installation: { ...config, demo: config.upstreams.length === 0 },
    forgetBrowser: sessionsContext.cookies.forgetBrowser,
    signedOutReason: sessions.signedOutReason,
  })
  projectRoutes(app, { organizations, problem })
  sessionRoutes(app, {
    sessions,
    context: sessionsContext,
    prove: identity.prove,
    proveAgain: identity.proveAgain,
    organizationsOf: organizations.of,
    problem,
  })
  deviceRoutes(app, { sessions, context: sessionsContext, problem })
  await oauthRoutes(app, { oauth, problem })
  caseRoutes(app, { trust, clock: edges.clock, problem, appealsOf })
  appealRoutes(app, { appeals, trust, accounts, clock: edges.clock, problem })
  operatorRoutes(app, {
    trust,
    accounts,
    clock: edges.clock,
    problem,
    appealsOf,
    figures: {
      keys: async (accountId) => (await keys.listOfAccount(accountId)).length,
      sessions: async (accountId) => (await sessions.list(accountId)).length,
      grants: oauth.countGrants,
      spend30d: spendOf30Days,
    },
  })
  helpRoutes(app, { help: createHelp(config), problem })
  operationsRoutes(app, {
    audit,
    health,
    upstreams: gateway.upstreams,
    overdueAppeals: appeals.countOverdue,
    undeliveredLogouts: oauth.countUndeliveredLogouts,
    installation: {
      mode: config.mode,
      database: platform.database.kind,
      redis: config.redisUrl !== null,
    },
  })
  keysRoutes(app, { keys, organizations, accountNames, problem, clock: platform.clock })
  usageRoutes(app, {
    usage,
    organizations,
    credentialNames: keys.names,
    problem,
    clock: platform.clock,
  })
  modelsRoutes(app, gateway)
  if (config.mode === 'development') outboxRoutes(app, { mail, problem })
  healthRoutes(app, { health, metrics, metricsToken: config.metricsToken, problem })
  openApiRoutes(app)
  await consoleFiles(app)
  await app.ready()
  if (!server) throw new Error('fastify did not ask for a server')

  return {
    platform,
    app,
    inventory,
    server,
    oauth,
    accounts,
    audit,
    keys,
    gateway,
    mail,
    welcome: { operatorLink: await firstOperator(identity.context, config.operator, log) },
    async sweep() {
      for (const one of sweepers) await one.sweep()
    },
    mintOperatorLink: (input) => mintOperatorLink(identity.context, input),
    async listen() {
      const address = await step('address', () =>
        app.listen({ host: config.host, port: config.port, backlog: 2048 }),
      )
      for (const worker of workers) worker.start()
      return address
    },
    async close(drainSeconds = 0) {
      health.drain()
      await Promise.all([
        drain(app, server as Server, drainSeconds),
        gateway.drain(drainSeconds * 1_000),
      ])
      await usage.stop()
      await Promise.all(workers.map((worker) => worker.stop()))
      await platform.bus.close()
      platform.replays.close()
      await platform.database.close()
      folder.release()
    },
  }
}

/** Kept-alive connections close as they fall idle; what still runs at the end is cut. */
async function drain(app: App, server: Server, seconds: number): Promise<void> {
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  // The gateway ends its streams at the deadline and says so in them; that takes a moment more.
  const end = setTimeout(() => server.closeAllConnections(), seconds * 1_000 + 1_000)
  try {
    await app.close()
  } finally {
    clearInterval(idle)
    clearTimeout(end)
  }
}

async function openPlatform(config: Config, edges: Edges): Promise<Platform> {
  const { clock, random, log } = edges
  const database = await step('database', async () => {
    const opened = openDatabase({
      url: config.databaseUrl?.reveal() ?? null,
      dataDir: config.dataDir,
    })
    const applied = await migrate(opened)
    if (applied.length > 0) log.debug({ applied }, 'database migrated')
    return opened
  })
  const root = await step('root key', async () =>
    config.rootKey
      ? new Secret(parseRootKey(config.rootKey.reveal(), 'LATCHKEY_ROOT_KEY'))
      : loadRootKey(config.dataDir, random),
  )
  const health = createHealth()
  health.register({ name: 'database', weight: 'required', check: () => database.ping() })
  health.register({
    name: 'migrations',
    weight: 'required',
    async check() {
      const pending = await pendingMigrations(database)
      if (pending.length > 0) throw new Down(`not applied: ${pending.join(', ')}`)
    },
  })
  return {
    ...edges,
    config,
    database,
    keyring: localKeyring(root, random),
    bus: await openBus(config, edges, health),
    ids: makeIds(clock, random),
    limiter: memoryRateLimiter(clock),
    places: openPlaces({ file: config.geoDb, clock, log }),
    replays: await openReplays(config, edges),
    health,
    metrics: createMetrics(),
    outbound: createOutbound({
      resolve: resolveByDns,
      connect: connectToChecked,
      ...edges.outbound,
      allowLoopback: config.loopbackFetch,
    }),
  }
}

/** Redis joins several nodes; the driver is loaded only where it is used. */
async function openBus(config: Config, edges: Edges, health: Health): Promise<EventBus> {
  const { log, random } = edges
  const local = inProcessBus((error, event) =>
    log.error({ err: errorFields(error), event: event.type }, 'an event listener failed'),
  )
  const url = config.redisUrl?.reveal()
  if (!url) return local
  const { redisBus } = await import('#platform/events/redis-bus.ts')
  const bus = redisBus({ url, nodeId: random.bytes(9).toString('base64url'), local, log })
  await step('redis', () => bus.connect(5_000))
  health.register({ name: 'redis', weight: 'degrading', check: () => bus.ping() })
  return bus
}

/** Several nodes remember together what was presented; the driver is loaded only where it is used. */
async function openReplays(config: Config, { clock, log }: Edges): Promise<ReplayMemories> {
  const url = config.redisUrl?.reveal()
  if (!url) return memoryReplays(clock)
  const { redisReplays } = await import('#platform/replay/redis-replay.ts')
  const replays = redisReplays({ url, clock, log })
  await step('redis', replays.connect)
  return replays
}
