import type { Server } from 'node:http'
import type { Clock } from '#platform/clock/clock.ts'
import { type Keyring, localKeyring } from '#platform/crypto/keyring.ts'
import { loadRootKey, parseRootKey } from '#platform/crypto/root-key.ts'
import { Secret } from '#platform/crypto/secret.ts'
import type { Database } from '#platform/db/database.ts'
import { migrate } from '#platform/db/migrate.ts'
import { openDatabase } from '#platform/db/open.ts'
import { type EventBus, inProcessBus } from '#platform/events/events.ts'
import { type App, createApp, type RouteEntry } from '#platform/http/app.ts'
import { createListener } from '#platform/http/listener.ts'
import { type Ids, makeIds, type Random } from '#platform/ids/ids.ts'
import { memoryRateLimiter, type RateLimiter } from '#platform/limits/token-bucket.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import { accountRoutes, createAccounts } from './accounts/index.ts'
import { createAudit } from './audit/index.ts'
import type { Config } from './config.ts'
import { createMail, outboxRoutes } from './mail/index.ts'
import { createOrganizations, projectRoutes } from './organizations/index.ts'
import { createSessions, sessionRoutes } from './sessions/index.ts'

/** What comes from outside and may be replaced in tests. */
export type Edges = { clock: Clock; random: Random; log: Log }

/** What every room may ask for. */
export type Platform = Edges & {
  config: Config
  database: Database
  keyring: Keyring
  bus: EventBus
  ids: Ids
  limiter: RateLimiter
}

export type Latchkey = {
  platform: Platform
  app: App
  inventory: readonly RouteEntry[]
  server: Server
  /** The address served, with the real port when 0 was asked for. */
  listen(): Promise<string>
  close(): Promise<void>
}

/** The one file that knows every room. Plain calls, in the order of who needs whom. */
export async function compose(config: Config, edges: Edges): Promise<Latchkey> {
  const platform = await openPlatform(config, edges)
  const { log } = platform

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
      startSession: (...args) => sessions.start(...args),
    },
  })
  const { sessions, context: sessionsContext } = createSessions({
    ...platform,
    accounts,
    audit,
    mail,
  })
  const workers = [mail]

  // -- surfaces ------------------------------------------------------------------------------------
  let server: Server | undefined
  const { app, inventory, problem } = await createApp({
    origin: config.origin,
    log,
    ids: platform.ids,
    limiter: platform.limiter,
    trustedProxies: config.trustedProxies,
    authenticate: sessions.authenticate,
    serverFactory: (handler) => {
      server = createListener({
        app: handler,
        gateway: (_req, res) => res.writeHead(503).end(),
      })
      return server
    },
  })
  accountRoutes(app, { context: identity.context, problem })
  projectRoutes(app, { organizations, problem })
  sessionRoutes(app, {
    sessions,
    context: sessionsContext,
    prove: identity.prove,
    organizationsOf: organizations.of,
    problem,
  })
  if (config.mode === 'development') outboxRoutes(app, { mail, problem })
  await app.ready()
  if (!server) throw new Error('fastify did not ask for a server')

  return {
    platform,
    app,
    inventory,
    server,
    async listen() {
      const address = await app.listen({ host: config.host, port: config.port, backlog: 2048 })
      for (const worker of workers) worker.start()
      return address
    },
    async close() {
      await app.close()
      await Promise.all(workers.map((worker) => worker.stop()))
      await platform.bus.close()
      await platform.database.close()
    },
  }
}

async function openPlatform(config: Config, edges: Edges): Promise<Platform> {
  const { clock, random, log } = edges
  const database = openDatabase({
    url: config.databaseUrl?.reveal() ?? null,
    dataDir: config.dataDir,
  })
  const applied = await migrate(database)
  if (applied.length > 0) log.info({ applied }, 'database migrated')
  const root = config.rootKey
    ? new Secret(parseRootKey(config.rootKey.reveal(), 'LATCHKEY_ROOT_KEY'))
    : await loadRootKey(config.dataDir, random)
  return {
    ...edges,
    config,
    database,
    keyring: localKeyring(root, random),
    bus: inProcessBus((error, event) =>
      log.error({ err: errorFields(error), event: event.type }, 'an event listener failed'),
    ),
    ids: makeIds(clock, random),
    limiter: memoryRateLimiter(clock),
  }
}
