import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

type TransitKey = { derived: boolean; versions: Buffer[]; minDecryptionVersion: number }

export type VaultCall = { path: string; namespace: string | null; status: number }

/**
 * The transit engine of HashiCorp Vault or OpenBao as HTTP shows it: datakey/plaintext, decrypt and
 * rewrap of derived and plain keys, rotation and retired versions, one accepted token; sealed,
 * throttled or unmounted when told to. Use `fetch` in place of the real one.
 */
export class FakeVault {
  readonly address = 'https://vault.test:8200'
  readonly calls: VaultCall[] = []
  sealed = false
  mounted = true
  token = `hvs.${randomBytes(12).toString('hex')}`
  /** Requests to answer with 429 from now on. */
  throttle = 0
  /** The network is down. */
  away = false
  /** Paths the token's policy leaves out, such as `rewrap/tokens`. */
  readonly denied = new Set<string>()
  readonly namespace: string | null
  readonly #keys = new Map<string, TransitKey>()

  constructor(by: { namespace?: string } = {}) {
    this.namespace = by.namespace ?? null
  }

  createKey(name: string, by: { derived?: boolean } = {}): void {
    const { derived = true } = by
    this.#keys.set(name, { derived, versions: [randomBytes(32)], minDecryptionVersion: 1 })
  }

  /** Adds a version; what older ones sealed still opens. */
  rotate(name: string): void {
    this.#key(name).versions.push(randomBytes(32))
  }

  /** Switches versions below `minimum` off, as `min_decryption_version` does. */
  retire(name: string, minimum: number): void {
    this.#key(name).minDecryptionVersion = minimum
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    if (this.away)
      throw Object.assign(new TypeError('fetch failed'), {
        cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
      })
    const path = new URL(request.url).pathname.replace('/v1/', '')
    const namespace = request.headers.get('x-vault-namespace')
    const asked = (await request.json()) as Input
    const { status, body, headers } = this.#answer(path, namespace, request, asked)
    this.calls.push({ path, namespace, status })
    return Response.json(body, { status, headers: headers ?? {} })
  }

  #answer(path: string, namespace: string | null, request: Request, input: Input): Reply {
    if (this.sealed) return refused(503, 'Vault is sealed')
    if (this.throttle > 0) {
      this.throttle--
      const reply = refused(429, `request path "${path}": rate limit quota exceeded`)
      return { ...reply, headers: { 'retry-after': '7' } }
    }
    const [mount, ...rest] = path.split('/')
    const verb = rest.join('/')
    if (request.headers.get('x-vault-token') !== this.token || this.denied.has(verb))
      return refused(403, '1 error occurred:\n\t* permission denied\n\n')
    if (!this.mounted || mount !== 'transit' || namespace !== this.namespace)
      return refused(404, `no handler for route "${path}". route entry not found.`)
    const key = this.#keys.get(rest.at(-1) ?? '')
    if (!key) return refused(400, 'encryption key not found')
    const context = Buffer.from(input.context ?? '', 'base64')
    if (key.derived && context.length === 0)
      return refused(400, "missing 'context' for key derivation")
    try {
      const newest = key.versions.length
      switch (rest[0]) {
        case 'datakey': {
          const plain = randomBytes((input.bits ?? 256) / 8)
          const ciphertext = seal(key, newest, context, plain)
          return {
            status: 200,
            body: { data: { ciphertext, plaintext: plain.toString('base64') } },
          }
        }
        case 'decrypt': {
          const plaintext = open(key, context, input.ciphertext ?? '').toString('base64')
          return { status: 200, body: { data: { plaintext } } }
        }
        case 'rewrap': {
          const plain = open(key, context, input.ciphertext ?? '')
          const ciphertext = seal(key, newest, context, plain)
          return { status: 200, body: { data: { ciphertext, key_version: newest } } }
        }
        default:
          return refused(404, 'unsupported path')
      }
    } catch (error) {
      return refused(400, (error as Error).message)
    }
  }

  #key(name: string): TransitKey {
    const key = this.#keys.get(name)
    if (!key) throw new Error(`no key ${name}`)
    return key
  }
}

type Input = { context?: string; ciphertext?: string; bits?: number }
type Reply = { status: number; body: unknown; headers?: Record<string, string> }

const refused = (status: number, error: string): Reply => ({ status, body: { errors: [error] } })

function material(key: TransitKey, version: number, context: Buffer): Buffer {
  const master = key.versions[version - 1]
  if (!master) throw new Error('invalid ciphertext: version is too new')
  return key.derived ? Buffer.from(hkdfSync('sha256', master, '', context, 32)) : master
}

function seal(key: TransitKey, version: number, context: Buffer, plain: Buffer): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', material(key, version, context), iv)
  const body = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return `vault:v${version}:${body.toString('base64')}`
}

function open(key: TransitKey, context: Buffer, ciphertext: string): Buffer {
  const [, number, text] = /^vault:v(\d+):(.+)$/.exec(ciphertext) ?? []
  if (number === undefined || text === undefined) throw new Error('invalid ciphertext: no prefix')
  const version = Number(number)
  if (version < key.minDecryptionVersion)
    throw new Error('ciphertext or signature version is disallowed by policy (too old)')
  const body = Buffer.from(text, 'base64')
  const cipher = createDecipheriv(
    'aes-256-gcm',
    material(key, version, context),
    body.subarray(0, 12),
  )
  cipher.setAuthTag(body.subarray(-16))
  try {
    return Buffer.concat([cipher.update(body.subarray(12, -16)), cipher.final()])
  } catch {
    throw new Error('cipher: message authentication failed')
  }
}
