import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Clock, rfc3339 } from '#platform/clock/clock.ts'
import type { Database } from '#platform/db/database.ts'
import type { Principal } from '#platform/http/access.ts'
import type { App } from '#platform/http/app.ts'
import { idParams } from '#platform/http/id-params.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { Ids } from '#platform/ids/ids.ts'
import type { OAuthPageKey } from '../../../messages/oauth.ts'
import type { Account } from '../../accounts/index.ts'
import { alwaysAsks, type OAuthApp, saidYesTo } from '../apps/app.ts'
import type { Apps } from '../apps/apps.ts'
import { isLoopback } from '../apps/redirect-uri.ts'
import { documentHost } from '../documents/document-url.ts'
import type { Approval, Engine, Refusal } from '../engine/engine.ts'
import { type Grants, grantLifeMs } from '../grants/grants.ts'
import { type Inspections, isInspectorRedirect } from '../inspector/inspections.ts'
import { logoUri } from '../logos/logos.ts'
import type { Resources } from '../resources/resources.ts'
import { nextStep } from './authorize.ts'
import { barePageHeaders, continuePage, noticePage, pageAway } from './pages.ts'
import { startedHere, type Transaction, type Transactions } from './transaction.ts'
import type { TxCookies } from './tx-cookie.ts'

export type AuthorizeDeps = {
  origin: string
  resources: Resources
  engine: Engine
  transactions: Transactions
  cookies: TxCookies
  apps: Apps
  grants: Grants
  inspections: Pick<Inspections, 'isOpen'>
  database: Database
  clock: Clock
  ids: Ids
  findAccount(id: string): Promise<Account | null>
  /** Whether this session of the account still lives. */
  sessionLives(accountId: string, sessionId: string): Promise<boolean>
  problem: ProblemSender
}

const Scope = z.object({ name: z.string(), title: z.string(), description: z.string() })
const TransactionView = z
  .object({
    id: z.string(),
    client: z.object({
      client_id: z.string(),
      name: z.string(),
      logo_uri: z.string().nullable(),
      redirect_host: z.string(),
      described_by: z.string().nullable(),
      verified: z.boolean(),
      loopback: z.boolean(),
    }),
    scopes: z.array(Scope),
    /** Where it will have access; null: at the gateway. */
    resource: z.object({ name: z.string(), host: z.string() }).nullable(),
    account: z.object({ name: z.string(), email: z.string() }),
    expires_at: z.string(),
  })
  .meta({ id: 'OAuthTransaction' })
const Decision = z
  .strictObject({ decision: z.enum(['allow', 'deny']) })
  .meta({ id: 'OAuthDecision' })
const DecisionAnswer = z.object({ redirect_to: z.string() }).meta({ id: 'OAuthDecisionAnswer' })

/** Steps 3 to 5 of an authorization: the browser is back on our own site, so the session arrives. */
export function authorizeRoutes(app: App, deps: AuthorizeDeps): void {
  const { origin, resources, engine, transactions, cookies, apps, grants, problem } = deps

  /** What was valid at the arrival may have been taken away while the person thought about it. */
  const stillFits = async (transaction: Transaction, client: OAuthApp) => {
    const at = resources.find(audienceOf(transaction))
    const ceiling = at ? resources.ceiling(at, client.scopes) : []
    return (
      transaction.scopes.every((scope) => ceiling.includes(scope)) &&
      (await engine.answersAt(client.clientId, transaction.redirectUri))
    )
  }

  /** The transaction when this very browser started it; everything else looks alike. */
  const ownTransaction = async (request: FastifyRequest, id: string) => {
    const transaction = await transactions.find(id)
    if (!transaction || !startedHere(transaction, cookies.read(id, request.headers.cookie)))
      return null
    const client = await apps.lookUp(transaction.clientId)
    return client && (await stillFits(transaction, client)) ? { transaction, client } : null
  }

  const page = (reply: FastifyReply, status: number, html: string) =>
    reply.code(status).headers(barePageHeaders(origin)).send(html)
  const notice = (
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    key: OAuthPageKey,
  ) => page(reply, status, noticePage(origin, request.locale, key))

  app.get(
    '/oauth/tx/:id',
    {
      config: { access: { auth: 'public', standing: 'any' }, sayAway: pageAway(origin) },
      // Any id: what is not one of ours gets the same page as what has expired.
      schema: { hide: true, params: z.object({ id: z.string() }) },
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const { id } = request.params
      reply.header('cache-control', 'no-store')
      const site = request.headers['sec-fetch-site']
      if (site !== undefined && site !== 'same-origin' && site !== 'none')
        return page(reply, 200, continuePage(`/oauth/tx/${id}`))
      const own = await ownTransaction(request, id)
      if (!own) return notice(request, reply, 400, 'start_again')
      const { transaction, client } = own
      const { principal } = request
      request.locale = transaction.locale ?? request.locale
      const consented =
        principal !== null &&
        (await grants.consented(principal.accountId, {
          ...transaction,
          scopes: saidYesTo(client, transaction.scopes),
          resource: audienceOf(transaction),
        }))
      const step = nextStep({
        transaction,
        app: client,
        principal,
        consented,
        uninvited:
          principal !== null &&
          isInspectorRedirect(origin, client, transaction.redirectUri) &&
          !(await deps.inspections.isOpen(principal, client.clientId)),
        now: deps.clock.now(),
      })
      switch (step.kind) {
        case 'sign_in':
          return reply.redirect(signInPage(transaction, principal !== null), 303)
        case 'other_account':
          return notice(request, reply, 403, 'other_account')
        case 'not_inspecting':
          return notice(request, reply, 403, 'not_inspecting')
        case 'suspended':
          return notice(request, reply, 403, 'account_suspended')
        case 'refuse':
          return finish(request, reply, own, step.refusal)
        case 'consent':
        case 'finish':
          if (!principal || !(await transactions.bind(transaction, principal.accountId)))
            return notice(request, reply, 403, 'other_account')
          if (step.kind === 'consent') return reply.redirect(pageFor('/consent', transaction), 303)
          return finish(request, reply, own, null, principal)
        default:
          return step satisfies never
      }
    },
  )

  /** Hands the browser to the client's redirect URI. One caller alone gets to do it. */
  async function finish(
    request: FastifyRequest,
    reply: FastifyReply,
    own: Own,
    refusal: Refusal | null,
    principal?: Principal,
  ) {
    const { transaction } = own
    if (!(await transactions.claim(transaction))) return notice(request, reply, 400, 'start_again')
    const outcome = refusal ?? (principal && (await approve(own, principal)))
    if (!outcome) return notice(request, reply, 400, 'start_again')
    reply.hijack()
    for (const [name, value] of Object.entries(barePageHeaders(origin)))
      reply.raw.setHeader(name, value)
    await engine.finish(
      transaction.id,
      outcome,
      [cookies.clear(transaction.id)],
      request.locale,
      request.raw,
      reply.raw,
    )
  }

  /** What its tokens will say, whichever way the client wrote it. */
  const audienceOf = ({ resource }: Transaction): string =>
    resources.find(resource)?.identifier ?? resource

  async function approve(
    { transaction, client }: Own,
    principal: Principal,
  ): Promise<Approval | null> {
    const account = await deps.findAccount(principal.accountId)
    if (!account) return null
    const grantId = deps.ids('grant')
    const now = deps.clock.now()
    await deps.database.transaction(async () => {
      await engine.recordGrant({
        id: grantId,
        accountId: account.id,
        clientId: transaction.clientId,
        epoch: account.epoch,
        scopes: transaction.scopes,
        resource: transaction.resource,
      })
      const allowedBy =
        transaction.decision === 'allow'
          ? ({ kind: 'account', id: account.id, name: account.name } as const)
          : null
      const grant = {
        id: grantId,
        accountId: account.id,
        clientId: transaction.clientId,
        sessionId: principal.sessionId,
        deviceId: principal.deviceId,
        scopes: saidYesTo(client, transaction.scopes),
        resource: audienceOf(transaction),
        redirectHost: transaction.redirectHost,
        createdAt: now,
        lastUsedAt: now,
        renewsUntil: null,
        expiresAt: now + grantLifeMs,
        revokedAt: null,
        signedOutAt: null,
      }
      await grants.record(grant, allowedBy)
    })
    // A sign-out that came in between did not see the grant and could not end it.
    if (!(await deps.sessionLives(account.id, principal.sessionId))) {
      await grants.revoke(grantId, 'session_ended')
      return null
    }
    return {
      kind: 'approved',
      grantId,
      session: {
        sessionId: principal.sessionId,
        accountId: principal.accountId,
        authenticatedAt: principal.authenticatedAt,
        amr: principal.amr,
      },
    }
  }

  app.get(
    '/api/oauth/transactions/:id',
    {
      config: { access: { auth: 'session' } },
      schema: {
        tags: ['apps'],
        summary: 'What an app asks for, for the consent page of this browser',
        params: idParams,
        response: { 200: TransactionView },
      },
    },
    async (request, reply) => {
      const seen = await seenBy(request)
      if (!seen) return problem(request, reply, { status: 404, code: 'transaction_not_found' })
      return present(origin, resources, seen, request.locale)
    },
  )

  app.post(
    '/api/oauth/transactions/:id/decision',
    {
      config: { access: { auth: 'session' } },
      schema: {
        tags: ['apps'],
        summary: 'Allow or deny what an app asks for',
        params: idParams,
        body: Decision,
        response: { 200: DecisionAnswer },
      },
    },
    async (request, reply) => {
      const seen = await seenBy(request)
      if (!seen) return problem(request, reply, { status: 404, code: 'transaction_not_found' })
      const { transaction, principal } = seen
      await transactions.decide(transaction, principal.accountId, request.body.decision)
      return { redirect_to: `/oauth/tx/${transaction.id}` }
    },
  )

  /** The transaction of this browser and this account; consent is asked of nobody else. */
  async function seenBy(request: FastifyRequest<{ Params: { id: string } }>) {
    const own = await ownTransaction(request, request.params.id)
    const { principal } = request
    if (!own || !principal) return null
    if (own.transaction.accountId !== principal.accountId) return null
    return { ...own, principal }
  }
}

type Own = { transaction: Transaction; client: OAuthApp }
/** A page of the console, in the language that the app asked for. */
const pageFor = (path: string, { id, locale }: Transaction, more: Record<string, string> = {}) =>
  `${path}?${new URLSearchParams({ tx: id, ...more, ...(locale ? { ui_locales: locale } : {}) })}`

/** `fresh`: there is a session, but it does not do; the page must ask and not send back here. */
const signInPage = (transaction: Transaction, fresh: boolean): string =>
  pageFor('/sign-in', transaction, {
    ...(fresh ? { fresh: '1' } : {}),
    ...(transaction.loginHint ? { email: transaction.loginHint } : {}),
  })

type Seen = Own & { principal: Principal }

const present = (
  origin: string,
  resources: Resources,
  { transaction, client: app, principal }: Seen,
  locale: 'en' | 'zh',
): z.infer<typeof TransactionView> => ({
  id: transaction.id,
  client: {
    client_id: app.clientId,
    name: app.name,
    logo_uri: logoUri(origin, app),
    redirect_host: transaction.redirectHost,
    described_by: app.document && documentHost(app.clientId),
    verified: !alwaysAsks(app),
    loopback:
      isLoopback(transaction.redirectUri) &&
      !isInspectorRedirect(origin, app, transaction.redirectUri),
  },
  scopes: saidYesTo(app, transaction.scopes).flatMap(
    (scope) => resources.describe(transaction.resource, scope, locale) ?? [],
  ),
  resource: resources.find(transaction.resource)?.shown ?? null,
  account: { name: principal.name, email: principal.email },
  expires_at: rfc3339(transaction.expiresAt),
})
