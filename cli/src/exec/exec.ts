import {
  discover,
  LatchkeyError,
  providerMetadata,
  SignInRequired,
} from '../../../sdk/src/index.ts'
import { type Chosen, chooseAccount } from '../accounts/choose.ts'
import { openKeep } from '../accounts/keep.ts'
import { apiOf } from '../accounts/latchkey.ts'
import { openSession, withSession } from '../accounts/session.ts'
import { signInCommandOf } from '../accounts/sign-in-command.ts'
import { type CommandRun, type Context, option } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { proxyEnvironment, useProxies } from '../network/proxies.ts'
import { troubleOf } from '../tell.ts'
import { wrongUsage } from '../trouble.ts'
import { exitCodeOf, runChild } from './child.ts'
import { type ProxyDeps, startTokenProxy } from './proxy.ts'

/**
 * `latchkey exec -- COMMAND`: runs any program that reads OPENAI_BASE_URL and OPENAI_API_KEY, signed
 * in as the account. The program talks to a door of ours on loopback, which puts a fresh token on
 * each request: a token lives minutes, programs live days. With `--token-in-env` it gets the token
 * itself, for what cannot reach the loopback interface, such as a container; that one ends.
 */
export const exec: CommandRun = async (context) => {
  const { rest, m, values, environment } = context
  const [program, ...args] = rest
  if (program === undefined)
    throw wrongUsage(m.exec.commandMissing, m.common.run('latchkey exec -- python app.py'))
  const keep = openKeep(context)
  const chosen = await chooseAccount(keep, context)
  const base = baseUrlOf(context, await apiKnownFor(context, chosen))
  // A sign-in that is over is told now, not by the program's first failing call.
  const waiting = context.terminal.waiting(m.token.renewing(chosen.entry.issuer))
  const token = await withSession(keep, chosen, context, ({ account }) =>
    account.token({ minLifeMs: 300_000 }),
  ).finally(() => waiting.done())
  if (values['token-in-env'] === true) {
    const end = await runChild(program, args, childEnvironment(environment, base.href, token))
    return conclude(end, context, program)
  }
  const session = await openSession(keep, chosen, context)
  const proxy = await startTokenProxy({
    base,
    token: (by) => session.account.token(by),
    refusalOf: (error) => refusalOf(error, chosen, context),
    proxyEnv: proxyEnvironment(environment),
  })
  try {
    const given = childEnvironment(environment, proxy.baseUrl, proxy.bearer)
    return conclude(await runChild(program, args, given), context, program)
  } finally {
    await session.auth.close()
    await proxy.close()
  }
}

function conclude(
  end: Awaited<ReturnType<typeof runChild>>,
  { terminal, m }: Context,
  program: string,
): number {
  if ('failed' in end) terminal.say(m.exec[end.failed](program))
  return exitCodeOf(end)
}

/** A client of the environment never signed in, so nobody has asked its provider yet. */
async function apiKnownFor(context: Context, { entry }: Chosen): Promise<string | null> {
  const { environment, locale, signal } = context
  const named = option(context, 'base-url') ?? (environment.LATCHKEY_BASE_URL || entry.baseUrl)
  if (named || entry.signedInAt > 0) return named
  useProxies(context)
  return apiOf(await providerMetadata(discover(entry.issuer), { locale, signal }))
}

function baseUrlOf({ m }: Context, text: string | null): URL {
  if (!text) throw wrongUsage(m.exec.baseUrlMissing, m.exec.baseUrlMissingNext)
  const url = URL.canParse(text) ? new URL(text) : null
  const loopback = url !== null && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  // A bearer token goes by https, or stays on this machine.
  if (!url || !(url.protocol === 'https:' || (url.protocol === 'http:' && loopback)))
    throw wrongUsage(m.exec.baseUrlUnsafe)
  url.search = ''
  url.hash = ''
  return url
}

/** What the program gets: the two variables its client reads, and none of our secrets. */
function childEnvironment(
  environment: NodeJS.ProcessEnv,
  baseUrl: string,
  key: string,
): NodeJS.ProcessEnv {
  const { LATCHKEY_CLIENT_SECRET: _, ...given } = environment
  const noProxy = [given.no_proxy || given.NO_PROXY, '127.0.0.1'].filter(Boolean).join(',')
  return {
    ...given,
    // The way to our door leads through no corporate proxy.
    ...(proxyEnvironment(environment) ? { NO_PROXY: noProxy, no_proxy: noProxy } : {}),
    OPENAI_BASE_URL: baseUrl,
    OPENAI_API_KEY: key,
  }
}

/** What the program's client is told when there is no token, or no way to the API. */
function refusalOf(
  error: unknown,
  chosen: Chosen,
  context: Context,
): ReturnType<ProxyDeps['refusalOf']> {
  if (error instanceof LatchkeyError) {
    const trouble = troubleOf(error, context, signInCommandOf(chosen))
    const { code, next, exitCode } = trouble.details
    const message = [trouble.message, next].filter(Boolean).join(' ')
    if (error instanceof SignInRequired) return { status: 401, code, message }
    if (exitCode === exitCodes.refused) return { status: 403, code, message }
    const waitMs = error.retryAt === null ? 1_000 : Math.max(0, error.retryAt - Date.now())
    return { status: 503, code, message, retryAfter: Math.ceil(waitMs / 1_000) }
  }
  const code = (error as { code?: unknown }).code
  const detail = typeof code === 'string' ? code : 'no answer'
  return { status: 502, code: 'api_unreachable', message: context.m.exec.unreachable(detail) }
}
