import type { StoreUnavailable } from '../errors/errors.ts'
import { base64url, fromBase64url } from '../platform/bytes.ts'
import { type Random, systemRandom } from '../platform/random.ts'
import { type Binding, bindingText } from './credential.ts'

/** Where a sealed text belongs. In another one's place it does not open. */
export type SealContext = {
  /** Whose it is, by name, the same in every edition: what a key service gets to know. */
  owner: Readonly<Record<string, string>>
  /** Whose it is and which edition, in one text: what the seal authenticates. */
  text: string
}

/** Makes text unreadable at rest. */
export type Sealer = {
  seal(context: SealContext, text: string): Promise<string>
  /** Throws on another key or context, and on any changed byte; with a `code` if it cannot tell now. */
  open(context: SealContext, sealed: string): Promise<string>
  /** Moves the seal to the newest version of its key, without opening it. */
  rewrap?(context: SealContext, sealed: string): Promise<string>
  /** Where the key lies that opens this text; for people, to be told what protects it. */
  heldBy?(sealed: string): Promise<'keychain' | 'file'>
  /** Tells about trouble that was worked around. Once per change of state. */
  watch?(listener: (warning: StoreUnavailable) => void): void
}

/** The place of revision `revision` of a stored credential. */
export const credentialContext = (binding: Binding, revision: number): SealContext => ({
  owner: {
    issuer: binding.issuer,
    client: binding.clientId,
    account: binding.account,
    ...(binding.resource === '' ? {} : { resource: binding.resource }),
  },
  text: `${bindingText(binding)}#${revision}`,
})

type Material = Uint8Array<ArrayBuffer> | CryptoKey

/** AES-256-GCM under a 32-byte key, or one that Web Crypto holds; fetched when first needed and once. */
export function keySealer(
  key: Material | (() => Promise<Material>),
  random: Random = systemRandom,
): Sealer {
  let imported: Promise<CryptoKey> | null = null
  const theKey = () => {
    if (imported === null) {
      const asked = (async () => {
        const material = typeof key === 'function' ? await key() : key
        return material instanceof Uint8Array ? importKey(material) : material
      })()
      imported = asked
      asked.catch(() => {
        imported = null
      })
    }
    return imported
  }
  return {
    seal: async (context, text) =>
      `v1.${await encrypt(await theKey(), context.text, text, random)}`,
    async open(context, sealed) {
      if (!sealed.startsWith('v1.')) throw new Error('sealed in an unknown form')
      return decrypt(await theKey(), context.text, sealed.slice(3))
    },
  }
}

/** The key as Web Crypto holds it: usable, and not to be read out again. */
export async function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  if (bytes.length !== 32) throw new Error('a sealing key has 32 bytes')
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

/** AES-256-GCM as `iv.body`; `context` is authenticated with it. */
export async function encrypt(
  key: CryptoKey,
  context: string,
  text: string,
  random: Random,
): Promise<string> {
  const iv = random.bytes(12)
  const body = await crypto.subtle.encrypt(
    algorithm(iv, context),
    key,
    new TextEncoder().encode(text),
  )
  return `${base64url(iv)}.${base64url(new Uint8Array(body))}`
}

export async function decrypt(key: CryptoKey, context: string, sealed: string): Promise<string> {
  const [iv, body, ...more] = sealed.split('.')
  if (iv === undefined || body === undefined || more.length > 0)
    throw new Error('sealed in an unknown form')
  const text = await crypto.subtle.decrypt(
    algorithm(fromBase64url(iv), context),
    key,
    fromBase64url(body),
  )
  return new TextDecoder().decode(text)
}

const algorithm = (iv: Uint8Array<ArrayBuffer>, context: string) => ({
  name: 'AES-GCM',
  iv,
  additionalData: new TextEncoder().encode(context),
})
