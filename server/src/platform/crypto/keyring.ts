import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto'
import type { Random } from '#platform/ids/ids.ts'
import type { Secret } from './secret.ts'

/**
 * What a MAC is for. Each purpose has its own key, derived from the root key with its own label, so
 * a value made for one purpose is worthless for another.
 */
export type MacPurpose =
  | 'api-key'
  | 'session'
  | 'challenge'
  | 'password-try'
  | 'client-secret'
  | 'registration-token'
  | 'oauth-artifact'
  | 'operator-link'
  | 'cursor'

/**
 * Sealing and keyed digests for the whole installation. The database alone opens nothing: the root
 * key lives beside it (file 0600) or comes from the environment.
 *
 * Sealing is asynchronous although the local key is not, because the same interface stands before a
 * key management service.
 */
export type Keyring = {
  /** AES-256-GCM. `context` (table, row, field) is authenticated: a sealed value moved to another row does not open. */
  seal(context: string, plaintext: string): Promise<string>
  /** Throws on a wrong context, a changed value or an unknown key version. */
  open(context: string, sealed: string): Promise<string>
  /** Keyed digest under the current pepper, base64url, with the pepper's version. */
  mac(purpose: MacPurpose, value: string): { version: number; digest: string }
  /** The digests `value` may be stored under, newest pepper first. */
  macCandidates(purpose: MacPurpose, value: string): { version: number; digest: string }[]
  /** Bytes for a purpose outside this list, such as cookie signing. */
  derive(label: string, length: number): Buffer
}

const sealVersion = 'v1'

export function localKeyring(root: Secret<Buffer>, random: Random): Keyring {
  const derive = (label: string, length: number) =>
    Buffer.from(hkdfSync('sha256', root.reveal(), 'latchkey', label, length))
  const sealingKey = derive('seal/1', 32)
  const pepperVersion = 1
  const peppers = new Map<MacPurpose, Buffer>()
  const pepper = (purpose: MacPurpose) => {
    let key = peppers.get(purpose)
    if (!key) {
      key = derive(`mac/${purpose}/${pepperVersion}`, 32)
      peppers.set(purpose, key)
    }
    return key
  }
  const mac = (purpose: MacPurpose, value: string) => ({
    version: pepperVersion,
    digest: createHmac('sha256', pepper(purpose)).update(value).digest('base64url'),
  })

  return {
    async seal(context, plaintext) {
      const nonce = random.bytes(12)
      const cipher = createCipheriv('aes-256-gcm', sealingKey, nonce).setAAD(Buffer.from(context))
      const body = cipher.update(plaintext, 'utf8')
      cipher.final() // GCM holds nothing back
      const [head, text, tag] = [nonce, body, cipher.getAuthTag()].map((part) =>
        part.toString('base64url'),
      )
      return `${sealVersion}.${head}.${text}.${tag}`
    },
    async open(context, sealed) {
      const [version, nonce, body, tag] = sealed.split('.')
      if (version !== sealVersion || nonce === undefined || body === undefined || tag === undefined)
        throw new Error('sealed value has an unknown form')
      const decipher = createDecipheriv(
        'aes-256-gcm',
        sealingKey,
        Buffer.from(nonce, 'base64url'),
        {
          authTagLength: 16,
        },
      )
        .setAAD(Buffer.from(context))
        .setAuthTag(Buffer.from(tag, 'base64url'))
      const plaintext = decipher.update(Buffer.from(body, 'base64url'))
      decipher.final() // throws unless the tag fits: before that nothing is believed
      return plaintext.toString('utf8')
    },
    mac,
    macCandidates: (purpose, value) => [mac(purpose, value)],
    derive,
  }
}

/** Constant-time equality of two texts; unequal lengths answer at once, as lengths are public here. */
export function equalSecret(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
