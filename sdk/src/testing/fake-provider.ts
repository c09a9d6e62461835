import { createHash, randomBytes } from 'node:crypto'
import { type Clock, pause, systemClock } from '../platform/clock.ts'
import { FakeIdTokens } from './fake-id-tokens.ts'
import { type JudgedProof, judgeProof } from './proof.ts'
import { type Served, serve } from './serve.ts'

export type FakeProviderOptions = {
  clock?: Clock
  /** Seconds an access token lives. Default 3600; null: the reply has no `expires_in`. */
  lifetimeSeconds?: number | null
  refreshInSeconds?: number
  /**
   * `strict`: a refresh token works once, and a second use ends its whole family, as most
   * providers do. `fixed`: it stays the same. `silent`: replies carry no refresh token.
   */
  rotation?: 'strict' | 'fixed' | 'silent'
  /** For how long a used refresh token gets the same successor again. Default 0: never. */
  replaySeconds?: number
  /** Binds tokens to the key of a proof (DPoP). Default: proofs are not looked at. */
  dpop?: boolean
  /** With `dpop`: what every proof has to carry. Change it to ask for another. */
  dpopNonce?: string
  /** How far the provider's clock is ahead of ours; shows in `Date` and in id_tokens. */
  skewSeconds?: number
  /** Time the token endpoint takes. */
  delayMs?: number
  /** Called when a token request has been carried out and its reply has not left yet. */
  beforeReply?: (request: Request) => void
}

/** One thing that goes wrong at the token endpoint, in the order given. */
export type Fault =
  /** The grant is carried out, and the reply is cut off on the way back. */
  | { kind: 'lose-reply' }
  /** The connection breaks before anything is carried out. */
  | { kind: 'refuse-connection' }
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: unknown }
  /** A 200 that is no token reply, such as a captive portal's page. */
  | { kind: 'portal' }
  | { kind: 'hang' }

export type Redemption = {
  refreshToken: string
  at: number
  result: 'rotated' | 'replayed' | 'reused' | 'unknown'
}

/**
 * An OAuth token endpoint for tests that is as unforgiving as the strictest real one, loses replies,
 * is skewed or storms with 429 when told to, and remembers every redemption. Use `fetch` without
 * any network, or `listen()` for other processes.
 */
export class FakeProvider {
  readonly redemptions: Redemption[] = []
  /** Requests to the token endpoint, those that a fault swallowed included. */
  requests = 0
  readonly faults: Fault[] = []
  issuer = 'https://provider.test'
  options: FakeProviderOptions
  readonly #clock: Clock
  readonly #refresh = new Map<
    string,
    { family: string; successor: string | null; usedAt: number }
  >()
  readonly #access = new Map<string, { family: string; expiresAt: number }>()
  readonly #replies = new Map<string, Record<string, unknown>>()
  readonly #boundTo = new Map<string, string>()
  readonly #proofs = new Set<string>()
  readonly #deadFamilies = new Map<string, { reason: string; revoked_because?: string }>()
  readonly #codes = new Map<string, Code>()
  readonly #idTokens = new FakeIdTokens()
  readonly #devices = new Map<
    string,
    { approved: boolean | null; polls: number; interval: number }
  >()
  #served: Served | null = null
  #names = 0

  constructor(options: FakeProviderOptions = {}) {
    this.options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Answers like `fetch` would. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const fault = this.#isToken(request) ? this.faults.shift() : undefined
    if (this.#isToken(request)) this.requests++
    if (fault?.kind === 'refuse-connection')
      throw Object.assign(new TypeError('fetch failed'), { cause: coded('ECONNREFUSED') })
    if (fault?.kind === 'hang') return hang(request.signal)
    if (fault && fault.kind !== 'lose-reply') return this.#faulty(fault)
    if (this.options.delayMs) await pause(this.#clock, this.options.delayMs, request.signal)
    const response = await this.answer(request)
    if (this.#isToken(request)) this.options.beforeReply?.(request)
    if (fault) throw Object.assign(new TypeError('fetch failed'), { cause: coded('ECONNRESET') })
    return response
  }

  /** Serves on a free port of 127.0.0.1 and becomes that issuer. Faults cut real connections. */
  async listen(): Promise<string> {
    this.#served = await serve(this.fetch, () => this.issuer)
    this.issuer = this.#served.origin
    return this.issuer
  }

  async close(): Promise<void> {
    await this.#served?.close()
  }

  /** A token reply as after a sign-in: the start of a new family. */
  grant(thumbprint: string | null = null): Record<string, unknown> {
    const family = `family-${++this.#names}`
    if (thumbprint !== null) this.#boundTo.set(family, thumbprint)
    return this.#issue(family, { thumbprint })
  }

  /** An authorization code, as if the person had allowed it; with `nonce` for an id_token as well. */
  code(by: { challenge?: string; nonce?: string } = {}): string {
    const code = `code-${randomBytes(8).toString('hex')}`
    this.#codes.set(code, { challenge: by.challenge ?? null, nonce: by.nonce ?? null })
    return code
  }

  /**
   * What a person's browser does with the link of `beginSignIn`: comes back with this address, having
   * allowed or denied. Give it to `finishSignIn`, or ask your own server for it.
   */
  visit(link: URL | string, decision: 'allow' | 'deny' = 'allow'): URL {
    const { searchParams: asked } = new URL(link)
    const of = (name: string) => asked.get(name) ?? ''
    const back = new URL(of('redirect_uri'))
    const challenge = asked.get('code_challenge')
    const nonce = asked.get('nonce')
    const code = () =>
      this.code({ ...(challenge ? { challenge } : {}), ...(nonce ? { nonce } : {}) })
    back.searchParams.set('state', of('state'))
    back.searchParams.set('iss', this.issuer)
    if (decision === 'allow') back.searchParams.set('code', code())
    else back.searchParams.set('error', 'access_denied')
    return back
  }

  /** Approves (or denies) every device that waits. */
  decideDevices(approved: boolean): void {
    for (const device of this.#devices.values()) device.approved = approved
  }

  /** Ends the family of `refreshToken` at the provider, as an operator would. */
  end(
    refreshToken: string,
    reason: 'revoked' | 'expired' | 'suspended',
    revokedBecause?: string,
  ): void {
    const entry = this.#refresh.get(refreshToken)
    const because = revokedBecause === undefined ? {} : { revoked_because: revokedBecause }
    if (entry) this.#deadFamilies.set(entry.family, { reason, ...because })
  }

  /** Whether the API would take this token now. */
  accepts(accessToken: string): boolean {
    const entry = this.#access.get(accessToken)
    return (
      entry !== undefined &&
      !this.#deadFamilies.has(entry.family) &&
      this.#clock.now() < entry.expiresAt
    )
  }

  /** Judges and answers one request. Usually called by `fetch`. */
  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/.well-known/')) return this.#json(200, this.#metadata())
    if (pathname === '/device') {
      const device = `device-${++this.#names}`
      this.#devices.set(device, { approved: null, polls: 0, interval: 5 })
      return this.#json(200, {
        device_code: device,
        user_code: 'WDJB-MJHT',
        verification_uri: `${this.issuer}/activate`,
        verification_uri_complete: `${this.issuer}/activate?code=WDJB-MJHT`,
        expires_in: 600,
        interval: 5,
      })
    }
    if (pathname === '/authorize') return Response.redirect(this.visit(request.url), 303)
    if (pathname === '/jwks') return this.#json(200, this.#idTokens.jwks())
    if (pathname === '/userinfo') {
      const [, access = ''] = (request.headers.get('authorization') ?? '').split(' ')
      return this.accepts(access)
        ? this.#json(200, { sub: subject })
        : this.#json(401, { error: 'invalid_token' })
    }
    if (pathname === '/revoke') {
      this.end(new URLSearchParams(await request.text()).get('token') ?? '', 'revoked')
      return new Response(null, { status: 200 })
    }
    if (pathname !== '/token') return this.#json(404, { error: 'not_found' })
    const form = new URLSearchParams(await request.text())
    const proof = this.options.dpop ? request.headers.get('dpop') : null
    const client = form.get('client_id') ?? basicUser(request.headers.get('authorization'))
    if (proof === null) return this.#token(form, null, client)
    const judged = this.#proven(proof, request)
    if (judged.ok) return this.#token(form, judged.thumbprint, client)
    const refused = this.#json(400, { error: judged.error })
    if (this.options.dpopNonce) refused.headers.set('dpop-nonce', this.options.dpopNonce)
    return refused
  }

  #proven(proof: string, request: Request): JudgedProof {
    const now = this.#clock.now() + (this.options.skewSeconds ?? 0) * 1_000
    const nonce = this.options.dpopNonce ?? null
    const judged = judgeProof(proof, { method: request.method, url: request.url, nonce, now })
    if (judged.ok && this.#proofs.has(proof)) return { ok: false, error: 'invalid_dpop_proof' }
    this.#proofs.add(proof)
    return judged
  }

  #token(form: URLSearchParams, thumbprint: string | null, client: string): Response {
    switch (form.get('grant_type')) {
      case 'refresh_token':
        return this.#redeem(form.get('refresh_token') ?? '', thumbprint)
      case 'client_credentials':
        return this.#json(200, this.#issue('client', { withoutRefresh: true, thumbprint }))
      case 'authorization_code': {
        const code = this.#codes.get(form.get('code') ?? '')
        this.#codes.delete(form.get('code') ?? '')
        const verifier = form.get('code_verifier')
        const challenge =
          verifier === null ? null : createHash('sha256').update(verifier).digest('base64url')
        if (!code || code.challenge !== challenge)
          return this.#json(400, { error: 'invalid_grant' })
        const { nonce } = code
        const more = nonce === null ? {} : { id_token: this.#idToken(client, nonce) }
        return this.#json(200, { ...this.grant(thumbprint), ...more })
      }
      case 'urn:ietf:params:oauth:grant-type:device_code': {
        const device = this.#devices.get(form.get('device_code') ?? '')
        if (!device) return this.#json(400, { error: 'invalid_grant' })
        device.polls++
        if (device.approved === null)
          return this.#json(400, {
            error: device.polls === 2 ? 'slow_down' : 'authorization_pending',
          })
        return device.approved
          ? this.#json(200, this.grant(thumbprint))
          : this.#json(400, { error: 'access_denied' })
      }
      default:
        return this.#json(400, { error: 'unsupported_grant_type' })
    }
  }

  #idToken(client: string, nonce: string): string {
    const now = Math.floor((this.#clock.now() + (this.options.skewSeconds ?? 0) * 1_000) / 1_000)
    const times = { iat: now, exp: now + 300 }
    return this.#idTokens.issue({ iss: this.issuer, sub: subject, aud: client, nonce, ...times })
  }

  #redeem(token: string, thumbprint: string | null): Response {
    const at = this.#clock.now()
    const record = (result: Redemption['result']) =>
      this.redemptions.push({ refreshToken: token, at, result })
    const entry = this.#refresh.get(token)
    if (!entry) {
      record('unknown')
      return this.#json(400, { error: 'invalid_grant' })
    }
    if (this.#boundTo.has(entry.family) && this.#boundTo.get(entry.family) !== thumbprint) {
      record('unknown')
      return this.#json(400, { error: 'invalid_grant' })
    }
    const ended = this.#deadFamilies.get(entry.family)
    if (ended) {
      record('unknown')
      return this.#json(400, { error: 'invalid_grant', ...ended })
    }
    if (entry.successor !== null) {
      const replayed = this.#replies.get(token)
      const replayMs = (this.options.replaySeconds ?? 0) * 1_000
      if (replayed && at - entry.usedAt < replayMs) {
        record('replayed')
        return this.#json(200, replayed)
      }
      record('reused')
      this.#deadFamilies.set(entry.family, { reason: 'reused' })
      return this.#json(400, { error: 'invalid_grant', reason: 'reused' })
    }
    record('rotated')
    const rotation = this.options.rotation ?? 'strict'
    const keep = rotation === 'strict' ? null : token
    const reply = this.#issue(entry.family, { keep, thumbprint })
    if (rotation === 'strict') {
      entry.successor = String(reply.refresh_token)
      entry.usedAt = at
      this.#replies.set(token, reply)
    }
    if (rotation === 'silent') delete reply.refresh_token
    return this.#json(200, reply)
  }

  #issue(
    family: string,
    by: { keep?: string | null; withoutRefresh?: boolean; thumbprint: string | null },
  ): Record<string, unknown> {
    const { keep = null, withoutRefresh = false, thumbprint } = by
    const lifetime =
      this.options.lifetimeSeconds === undefined ? 3_600 : this.options.lifetimeSeconds
    const access = `at-${randomBytes(12).toString('hex')}`
    const refresh = keep ?? `rt-${randomBytes(12).toString('hex')}`
    const expiresAt =
      lifetime === null ? Number.POSITIVE_INFINITY : this.#clock.now() + lifetime * 1_000
    this.#access.set(access, { family, expiresAt })
    if (keep === null && !withoutRefresh)
      this.#refresh.set(refresh, { family, successor: null, usedAt: 0 })
    return {
      access_token: access,
      token_type: thumbprint === null ? 'Bearer' : 'DPoP',
      ...(lifetime === null ? {} : { expires_in: lifetime }),
      ...(this.options.refreshInSeconds ? { refresh_in: this.options.refreshInSeconds } : {}),
      ...(withoutRefresh ? {} : { refresh_token: refresh }),
    }
  }

  #metadata() {
    return {
      issuer: this.issuer,
      token_endpoint: `${this.issuer}/token`,
      authorization_endpoint: `${this.issuer}/authorize`,
      device_authorization_endpoint: `${this.issuer}/device`,
      revocation_endpoint: `${this.issuer}/revoke`,
      userinfo_endpoint: `${this.issuer}/userinfo`,
      jwks_uri: `${this.issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      authorization_response_iss_parameter_supported: true,
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    }
  }

  #isToken(request: Request): boolean {
    return new URL(request.url).pathname === '/token'
  }

  #faulty(fault: Extract<Fault, { kind: 'status' | 'portal' }>): Response {
    if (fault.kind === 'portal')
      return new Response('<html>Welcome to the hotel</html>', {
        headers: { 'content-type': 'text/html' },
      })
    const response = this.#json(fault.status, fault.body ?? { error: 'temporarily_unavailable' })
    for (const [name, value] of Object.entries(fault.headers ?? {}))
      response.headers.set(name, value)
    return response
  }

  #json(status: number, body: unknown): Response {
    const now = this.#clock.now() + (this.options.skewSeconds ?? 0) * 1_000
    return Response.json(body, { status, headers: { date: new Date(now).toUTCString() } })
  }
}

type Code = { challenge: string | null; nonce: string | null }

const subject = 'person-1'

const basicUser = (header: string | null): string =>
  decodeURIComponent(
    Buffer.from(header?.replace(/^Basic /i, '') ?? '', 'base64')
      .toString()
      .split(':')[0] ?? '',
  )

const coded = (code: string) => Object.assign(new Error(code), { code })

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
