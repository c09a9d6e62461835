import { isIP } from 'node:net'
import * as tls from 'node:tls'
import type { Book } from '../accounts/book.ts'
import type { Chosen } from '../accounts/choose.ts'
import type { Keep } from '../accounts/keep.ts'
import type { Context } from '../command.ts'
import { malformedProxy, proxyEnvironment, proxySettings, useProxies } from '../network/proxies.ts'
import { plain } from '../terminal/terminal.ts'
import { avoidsProxy } from './environment.ts'
import type { Finding } from './finding.ts'

const patienceMs = 5_000
const skewWarnSeconds = 30
const skewFailSeconds = 300
const certificateWarnDays = 14

/** What the network says about one provider: certificate, metadata, clock, registration, API. */
export async function examineIssuer(
  keep: Keep,
  book: Book,
  issuer: string,
  chosen: readonly Chosen[],
  context: Context,
): Promise<Finding[]> {
  const { m, environment } = context
  const { doctor: words } = m
  const finding = (
    part: string,
    result: Finding['result'],
    what: string,
    next: string | null = null,
  ) => ({ side: 'client', part, result, what, next }) satisfies Finding
  if (malformedProxy(environment) !== null) return [] // told by itself; nothing can be asked through it
  useProxies(context)
  const url = new URL(issuer)
  const loopback = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'http:' && !loopback)
    return [finding(words.tls, 'fail', words.plainHttp(issuer), words.plainHttpNext)]
  const direct =
    proxyEnvironment(environment) === null || avoidsProxy(issuer, proxySettings(environment).none)
  const found: Finding[] = []
  if (url.protocol === 'https:' && direct) {
    const certificate = await examineCertificate(url, context)
    if (certificate) found.push(certificate)
  }
  const asked = await ask(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  if (!asked.ok)
    return [
      ...found,
      finding(
        words.provider,
        'fail',
        words.unreachable(issuer, asked.code),
        words.unreachableNext(asked.code),
      ),
    ]
  const { response, body, tookMs } = asked
  const metadata = readMetadata(body)
  if (response.status !== 200 || metadata === null) {
    const next = words.notAProviderNext(issuer)
    return [
      ...found,
      finding(words.provider, 'fail', words.notAProvider(issuer, response.status), next),
    ]
  }
  // Discovery section 4.3: exactly the issuer that was asked.
  if (metadata.issuer !== issuer && metadata.issuer !== `${issuer}/`)
    found.push(
      finding(
        words.provider,
        'fail',
        words.otherIssuer(issuer, plain(metadata.issuer)),
        m.common.run(`latchkey login --issuer ${plain(metadata.issuer)}`),
      ),
    )
  else found.push(finding(words.provider, 'ok', words.answers(issuer, Math.round(tookMs))))
  found.push(clockFinding(response, tookMs, context))

  const registration = book.registrations[issuer]
  if (registration) {
    const { manageOf } = await import('../accounts/registration.ts')
    const { registrationState } = await import('../../../sdk/src/provider/register.ts')
    const manage = await manageOf(keep, issuer, registration)
    const state = manage ? await registrationState(manage, { timeoutMs: patienceMs }) : 'unknown'
    if (state === 'gone')
      found.push(
        finding(
          words.client,
          'fail',
          words.registrationGone,
          m.common.run(`latchkey login --issuer ${issuer}`),
        ),
      )
    else if (state === 'registered')
      found.push(finding(words.client, 'ok', words.registrationKnown(registration.clientId)))
  }
  const bases = new Set(chosen.map(({ entry }) => entry.issuer === issuer && entry.baseUrl))
  for (const base of bases) {
    if (!base) continue
    // Without a token: any answer but a fault of the server shows that the way is open.
    const api = await ask(`${base}/models`)
    if (!api.ok)
      found.push(
        finding(
          words.api,
          'fail',
          words.unreachable(base, api.code),
          words.unreachableNext(api.code),
        ),
      )
    else if (api.response.status >= 500)
      found.push(
        finding(words.api, 'fail', words.apiFails(base, api.response.status), words.apiFailsNext),
      )
    else found.push(finding(words.api, 'ok', words.answers(base, Math.round(api.tookMs))))
  }
  return found
}

type Asked =
  | { ok: true; response: Response; body: string; tookMs: number }
  | { ok: false; code: string }

async function ask(url: string): Promise<Asked> {
  const begun = performance.now()
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(patienceMs),
      headers: { accept: 'application/json' },
      redirect: 'manual',
    })
    const body = (await response.text()).slice(0, 1_000_000)
    return { ok: true, response, body, tookMs: performance.now() - begun }
  } catch (error) {
    return { ok: false, code: codeOf(error) }
  }
}

/** The innermost code of a failed fetch, such as ECONNREFUSED. */
function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, errors } = cause as { code?: unknown; errors?: { code?: string }[] }
    if (cause.name === 'TimeoutError') return 'ETIMEDOUT'
    if (typeof code === 'string' && !code.startsWith('UND_ERR_RES')) return code
    if (errors?.[0]?.code) return errors[0].code
  }
  return 'unknown'
}

function readMetadata(body: string): { issuer: string } | null {
  try {
    const value = JSON.parse(body) as { issuer?: unknown } | null
    return typeof value?.issuer === 'string' ? { issuer: value.issuer } : null
  } catch {
    return null
  }
}

function clockFinding(response: Response, tookMs: number, { m }: Context): Finding {
  const { doctor: words } = m
  const date = Date.parse(response.headers.get('date') ?? '')
  const base = { side: 'client', part: words.clock } as const
  if (Number.isNaN(date)) return { ...base, result: 'ok', what: words.clockUnknown, next: null }
  // `Date` has whole seconds and was written about half a round trip ago.
  const apart = Math.round((Date.now() - tookMs / 2 - (date + 500)) / 1_000)
  const seconds = Math.abs(apart)
  if (seconds < 3) return { ...base, result: 'ok', what: words.clockRight, next: null }
  if (seconds <= skewWarnSeconds)
    return { ...base, result: 'ok', what: words.clockApart(apart), next: null }
  const result = seconds > skewFailSeconds ? 'fail' : 'warn'
  return { ...base, result, what: words.clockApart(apart), next: words.clockNext }
}

/** The certificate as it is shown to us, valid or not; null when there is no connection to see it by. */
function examineCertificate(url: URL, { m }: Context): Promise<Finding | null> {
  const { doctor: words } = m
  const base = { side: 'client', part: words.tls } as const
  return new Promise((resolve) => {
    const socket = tls.connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 443),
      ...(isIP(url.hostname.replace(/^\[|\]$/g, '')) ? {} : { servername: url.hostname }),
      rejectUnauthorized: false, // looked at, and closed: nothing is sent
      timeout: patienceMs,
    })
    const settle = (finding: Finding | null) => {
      socket.destroy()
      resolve(finding)
    }
    socket.once('timeout', () => settle(null))
    socket.once('error', () => settle(null))
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate()
      const issuer = plain(String(certificate.issuer?.O ?? certificate.issuer?.CN ?? '?'))
      const until = Date.parse(certificate.valid_to)
      if (!socket.authorized) {
        const what = words.certificateRefused(String(socket.authorizationError), issuer)
        return settle({ ...base, result: 'fail', what, next: words.certificateNext })
      }
      const days = Math.floor((until - Date.now()) / 86_400_000)
      settle({
        ...base,
        result: days < certificateWarnDays ? 'warn' : 'ok',
        what: words.certificate(issuer, days),
        next: null,
      })
    })
  })
}
