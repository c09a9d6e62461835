import {
  AccountSuspended,
  InsufficientScope,
  type LatchkeyError,
  QuotaExhausted,
  RateLimited,
  SignInRequired,
  type Voice,
} from '../errors/errors.ts'
import type { Clock } from '../platform/clock.ts'
import { retryAfterMs } from '../provider/redeem.ts'

/** What a refused call says about itself, from its headers and its JSON body. */
export type Refusal = {
  status: number
  kind: 'token' | 'scope' | 'suspended' | 'quota' | 'rate' | 'other'
  scopes: string[]
  help: string | null
  requestId: string | null
}

const suspendedCodes = new Set(['account_deactivated', 'account_suspended', 'suspended'])
const quotaCodes = new Set(['insufficient_quota', 'budget_exceeded', 'billing_hard_limit_reached'])

/**
 * Reads a 4xx without using the response up: its body stays readable. Only `token` is something a
 * refresh can help: a 401 that names no other reason (RFC 6750 section 3.1).
 */
export async function readRefusal(response: Response): Promise<Refusal> {
  const challenge = response.headers.get('www-authenticate') ?? ''
  const { code, help } = await bodyOf(response)
  const error = /\berror="?([\w-]+)/i.exec(challenge)?.[1] ?? null
  const scopes = /\bscope="([^"]*)"/i.exec(challenge)?.[1]?.split(' ').filter(Boolean) ?? []
  return {
    status: response.status,
    kind: kindOf(response.status, error, code),
    scopes,
    help,
    requestId: response.headers.get('x-request-id'),
  }
}

function kindOf(status: number, error: string | null, code: string | null): Refusal['kind'] {
  if (code !== null && suspendedCodes.has(code)) return 'suspended'
  if ((code !== null && quotaCodes.has(code)) || status === 402) return 'quota'
  if (error === 'insufficient_scope' || code === 'insufficient_scope') return 'scope'
  if (status === 429) return 'rate'
  if (status === 401) return error === null || error === 'invalid_token' ? 'token' : 'other'
  return 'other'
}

async function bodyOf(response: Response): Promise<{ code: string | null; help: string | null }> {
  const none = { code: null, help: null }
  if (!(response.headers.get('content-type') ?? '').includes('json')) return none
  try {
    const start = await startOf(response.clone())
    const body: unknown = start === null ? null : JSON.parse(start)
    // OpenAI's shape has `error: {…}`, problem details (RFC 9457) are flat.
    const inner = record(record(body)?.error) ?? record(body)
    return { code: text(inner?.code) ?? text(inner?.type), help: text(inner?.help) }
  } catch {
    return none
  }
}

const refusalBytesMax = 65_536 // a refusal is a few lines; what goes on longer is not waited for

async function startOf(response: Response): Promise<string | null> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for (;;) {
    const piece = await reader?.read()
    if (!piece || piece.done) return text + decoder.decode()
    length += piece.value.byteLength
    if (length > refusalBytesMax) {
      reader?.cancel().catch(() => {})
      return null
    }
    text += decoder.decode(piece.value, { stream: true })
  }
}

const record = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/**
 * The typed error for a refused response, or null when it was not refused for a reason the SDK
 * knows. For callers who like exceptions; `fetch` itself hands out responses.
 */
export async function errorOf(
  response: Response,
  account: string,
  clock: Clock,
  voice: Voice,
): Promise<LatchkeyError | null> {
  if (response.status < 400 || response.status >= 500) return null
  const { kind, scopes, help, requestId } = await readRefusal(response)
  const details = { account, help, requestId, outcome: 'rejected' as const }
  switch (kind) {
    case 'suspended':
      return new AccountSuspended('account_suspended', details, voice)
    case 'quota':
      return new QuotaExhausted('quota_exhausted', details, voice)
    case 'scope':
      return new InsufficientScope(scopes, details, voice)
    case 'rate': {
      const wait = retryAfterMs(response.headers, clock.now())
      const retryAt = wait === null ? null : clock.now() + wait
      return new RateLimited('rate_limited', { ...details, retryAt }, voice)
    }
    case 'token':
      return new SignInRequired('token_refused', details, voice)
    case 'other':
      return null
  }
}
