import {
  type EnvelopeOptions,
  type EnvelopeSealer,
  envelopeSealer,
  type KeyService,
  type Owner,
} from '../credentials/envelope.ts'
import { KeyServiceError } from '../errors/errors.ts'
import { base64, fromBase64 } from '../platform/bytes.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { retryAfterMs } from '../provider/redeem.ts'
import { type Fetch, failureText, isSafeUrl, type Wire, wire } from '../provider/wire.ts'

export type VaultSealerOptions = EnvelopeOptions & {
  /** Where Vault or OpenBao listens, such as `https://vault.example.org:8200`. */
  address: string
  /** Name of the transit key. Made with `derived=true` it is bound to issuer, client and account. */
  key: string
  /** Where the transit engine is mounted. Default `transit`. */
  mount?: string
  /** Sent as `X-Vault-Namespace`. */
  namespace?: string
  /** The token, or how to get it: `vaultToken()`. Asked per request, and once more after a 403. */
  token: string | ((by: { refused: boolean }) => Promise<string>)
  /** For one request. Default 5 000. */
  timeoutMs?: number
  fetch?: Fetch
}

/**
 * Seals a store under a transit key of HashiCorp Vault or OpenBao (datakey/plaintext, decrypt,
 * rewrap). The token needs `update` on those three paths of the key and on nothing else.
 */
export const vaultSealer = (options: VaultSealerOptions): EnvelopeSealer =>
  envelopeSealer(vaultKeyService(options), options)

export function vaultKeyService(
  options: Omit<VaultSealerOptions, 'maxAgeMs' | 'maxUses' | 'maxKeys' | 'staleMs' | 'before'>,
): KeyService {
  const clock = options.clock ?? systemClock
  const address = new URL(options.address)
  if (!isSafeUrl(address))
    throw new TypeError(`${options.address}: tokens travel by https, or stay on this machine`)
  const mount = (options.mount ?? 'transit').replace(/^\/+|\/+$/g, '')
  const path = (verb: string) =>
    new URL(`/v1/${mount}/${verb}/${encodeURIComponent(options.key)}`, address)
  const send = options.fetch ?? ((input, init) => fetch(input, init))
  const wired = wire(send, clock, options.timeoutMs ?? 5_000)
  const { token } = options
  const theToken = (refused: boolean) =>
    typeof token === 'function' ? token({ refused }) : Promise.resolve(token)

  const ask = async (verb: string, owner: Owner, body: Record<string, unknown>): Promise<Data> => {
    let used: string
    try {
      used = await theToken(false)
    } catch (cause) {
      throw new KeyServiceError('denied', { detail: 'no Vault token', cause })
    }
    const request = { ...body, context: contextOf(owner) }
    let answer = await post(wired, path(verb), used, options.namespace, request)
    if (answer.status === 403 && typeof token === 'function') {
      // The agent that renews the token may have done so since we read it.
      const newer = await theToken(true).catch(() => used)
      if (newer !== used) answer = await post(wired, path(verb), newer, options.namespace, request)
    }
    return judge(answer, clock)
  }

  return {
    name: 'vault',
    async generate(owner) {
      const data = await ask('datakey/plaintext', owner, { bits: 256 })
      return { plain: fromBase64(text(data.plaintext)), wrapped: text(data.ciphertext) }
    },
    unwrap: async (wrapped, owner) =>
      fromBase64(text((await ask('decrypt', owner, { ciphertext: wrapped })).plaintext)),
    rewrap: async (wrapped, owner) =>
      text((await ask('rewrap', owner, { ciphertext: wrapped })).ciphertext),
  }
}

type Data = Record<string, unknown>
type Answer = { status: number; errors: string[]; data: Data | null; headers: Headers }

/** Sorted, so that the same owner is the same context. Keys that are not derived ignore it. */
const contextOf = (owner: Owner): string =>
  base64(new TextEncoder().encode(JSON.stringify(Object.entries(owner).sort())))

async function post(
  wired: Wire,
  url: URL,
  token: string,
  namespace: string | undefined,
  body: unknown,
): Promise<Answer> {
  let response: Response
  try {
    response = await wired.fetch(url, {
      method: 'POST',
      redirect: 'manual', // the token goes to this address and to no other
      headers: {
        'content-type': 'application/json',
        'x-vault-token': token,
        'x-vault-request': 'true',
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      },
      body: JSON.stringify(body),
    })
  } catch (cause) {
    throw new KeyServiceError('away', { detail: failureText(cause), cause })
  }
  let parsed: { errors?: unknown; data?: unknown } = {}
  try {
    parsed = (await response.json()) ?? {}
  } catch {
    // a proxy's page: the status says enough
  }
  return {
    status: response.status,
    errors: Array.isArray(parsed.errors)
      ? parsed.errors.map((one) => String(one).replace(/\s+/g, ' ').trim())
      : [],
    data: typeof parsed.data === 'object' ? (parsed.data as Data | null) : null,
    headers: response.headers,
  }
}

function judge({ status, errors, data, headers }: Answer, clock: Clock): Data {
  const detail = `Vault answered ${status}${errors[0] ? `: ${errors[0].slice(0, 200)}` : ''}`
  if (status === 200 && data !== null) return data
  if (status === 403) throw new KeyServiceError('denied', { detail })
  if (status === 404) throw new KeyServiceError('unknown', { detail }) // no such mount or namespace
  if (status === 429) {
    const wait = retryAfterMs(headers, clock.now())
    const retryAt = wait === null ? null : clock.now() + wait
    throw new KeyServiceError('busy', { detail, retryAt })
  }
  // 503 is also a sealed Vault, 412, 472 and 473 a replica that cannot answer now.
  if (status >= 500 || status === 412 || status === 472 || status === 473)
    throw new KeyServiceError('away', { detail })
  if (status !== 400) throw new KeyServiceError('misconfigured', { detail })
  const said = errors.join(' ')
  if (said.includes('encryption key not found')) throw new KeyServiceError('unknown', { detail })
  if (/invalid ciphertext|message authentication failed|too old|too new/.test(said))
    throw new Error(detail) // not what this key made for this owner, or under a retired version
  throw new KeyServiceError('misconfigured', { detail })
}

function text(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new KeyServiceError('misconfigured', { detail: 'Vault answered without the key asked for' })
}
