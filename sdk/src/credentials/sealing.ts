import { base64url, fromBase64url } from '../platform/bytes.ts'
import { type Random, systemRandom } from '../platform/random.ts'

/**
 * Makes text unreadable at rest. `context` (whose credential, which revision) is authenticated: a
 * sealed text put in another one's place does not open.
 */
export type Sealer = {
  seal(context: string, text: string): Promise<string>
  /** Throws on another key or context, and on any changed byte. */
  open(context: string, sealed: string): Promise<string>
}

/** AES-256-GCM under a 32-byte key, fetched when first needed and once. */
export function keySealer(
  key: Uint8Array<ArrayBuffer> | (() => Promise<Uint8Array<ArrayBuffer>>),
  random: Random = systemRandom,
): Sealer {
  let imported: Promise<CryptoKey> | null = null
  const theKey = () => {
    if (imported === null) {
      const asked = (async () => {
        const bytes = typeof key === 'function' ? await key() : key
        if (bytes.length !== 32) throw new Error('a sealing key has 32 bytes')
        return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
      })()
      imported = asked
      asked.catch(() => {
        imported = null
      })
    }
    return imported
  }
  const algorithm = (iv: Uint8Array<ArrayBuffer>, context: string) => ({
    name: 'AES-GCM',
    iv,
    additionalData: new TextEncoder().encode(context),
  })
  return {
    async seal(context, text) {
      const iv = random.bytes(12)
      const body = await crypto.subtle.encrypt(
        algorithm(iv, context),
        await theKey(),
        new TextEncoder().encode(text),
      )
      return `v1.${base64url(iv)}.${base64url(new Uint8Array(body))}`
    },
    async open(context, sealed) {
      const [version, iv, body] = sealed.split('.')
      if (version !== 'v1' || iv === undefined || body === undefined)
        throw new Error('sealed in an unknown form')
      const text = await crypto.subtle.decrypt(
        algorithm(fromBase64url(iv), context),
        await theKey(),
        fromBase64url(body),
      )
      return new TextDecoder().decode(text)
    },
  }
}
