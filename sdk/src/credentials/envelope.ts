import type { StoreUnavailable } from '../errors/errors.ts'
import { base64url, fromBase64url, sha256 } from '../platform/bytes.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { type Random, systemRandom } from '../platform/random.ts'
import { type DataKeyLimits, DataKeys } from './data-keys.ts'
import { decrypt, encrypt, importKey, type SealContext, type Sealer } from './sealing.ts'

/**
 * A service that keeps a master key and hands out data keys under it: AWS KMS, Vault transit, or one
 * of yours. `owner` says whose data key it is; a data key wrapped for one owner may not unwrap for
 * another. Throws `KeyServiceError` for every trouble of its own; any other error means that
 * `wrapped` is not what it made for this owner.
 */
export type KeyService = {
  /** Its name in sealed texts, such as `kms`. */
  name: string
  /** 32 random bytes, plain and wrapped. The plain ones are wiped after use. */
  generate(owner: Owner): Promise<{ plain: Uint8Array<ArrayBuffer>; wrapped: string }>
  unwrap(wrapped: string, owner: Owner): Promise<Uint8Array<ArrayBuffer>>
  /** The same data key under the newest version of the master key, without showing it. */
  rewrap(wrapped: string, owner: Owner): Promise<string>
}

/** Names and values; the account as a hash, because key services log them in plain. */
export type Owner = Readonly<Record<string, string>>

export type EnvelopeOptions = DataKeyLimits & {
  /** Opens what was sealed before this service was used, such as the local key of the file store. */
  before?: Sealer
  clock?: Clock
  random?: Random
}

export type EnvelopeSealer = Sealer & {
  rewrap(context: SealContext, sealed: string): Promise<string>
  /** Drops every data key at hand. The next seal or open asks the service. */
  forget(): void
}

/**
 * Envelope encryption: each text under AES-256-GCM and a data key, the data key wrapped by `service`
 * and stored with it. Data keys are shared by one owner's texts and cached within limits, so that
 * the service is asked now and then and not per call; plain key bytes live only until Web Crypto has
 * taken them over as a key that cannot be read out.
 *
 * With the service away, cached keys serve for `staleMs` more. That also keeps a renewal safe that
 * has already begun: the intent was sealed before the refresh token left, so the key to seal its
 * successor with is at hand.
 */
export function envelopeSealer(service: KeyService, options: EnvelopeOptions = {}): EnvelopeSealer {
  const { clock = systemClock, random = systemRandom } = options
  const watchers = new Set<(warning: StoreUnavailable) => void>()
  const keys = new DataKeys(options, {
    clock,
    random,
    warn: (warning) => {
      for (const watcher of watchers) watcher(warning)
    },
  })
  const kind = `v2.${service.name}.`
  const isOurs = (sealed: string) => sealed.startsWith(kind)
  /** The wrapped data key and the rest of a sealed text. */
  const parts = (sealed: string) => {
    const [wrapped, iv, body, ...more] = sealed.slice(kind.length).split('.')
    if (!isOurs(sealed) || !wrapped || !iv || !body || more.length > 0)
      throw new Error('sealed in an unknown form')
    return { wrapped: new TextDecoder().decode(fromBase64url(wrapped)), rest: `${iv}.${body}` }
  }
  const write = (wrapped: string, rest: string) =>
    `${kind}${base64url(new TextEncoder().encode(wrapped))}.${rest}`
  const imported = async (plain: Uint8Array<ArrayBuffer>, wrapped: string) => {
    try {
      return { key: await importKey(plain), wrapped }
    } finally {
      plain.fill(0)
    }
  }

  const seal = async (context: SealContext, text: string) => {
    const owner = await ownerOf(context)
    const { key, wrapped } = await keys.forSealing(JSON.stringify(owner), async () => {
      const made = await service.generate(owner)
      return imported(made.plain, made.wrapped)
    })
    return write(wrapped, await encrypt(key, kind + context.text, text, random))
  }

  return {
    seal,
    async open(context, sealed) {
      if (!isOurs(sealed) && options.before) return options.before.open(context, sealed)
      const { wrapped, rest } = parts(sealed)
      const owner = await ownerOf(context)
      const { key } = await keys.forOpening(JSON.stringify(owner), wrapped, async () =>
        imported(await service.unwrap(wrapped, owner), wrapped),
      )
      return decrypt(key, kind + context.text, rest)
    },
    async rewrap(context, sealed) {
      if (!isOurs(sealed) && options.before)
        return seal(context, await options.before.open(context, sealed))
      const { wrapped, rest } = parts(sealed)
      return write(await service.rewrap(wrapped, await ownerOf(context)), rest)
    },
    forget: () => keys.forget(),
    watch: (listener) => watchers.add(listener),
  }
}

/** An account's name is often an e-mail address, and has no business in a cloud's audit log. */
async function ownerOf({ owner }: SealContext): Promise<Owner> {
  const { account, ...rest } = owner
  return account === undefined ? rest : { ...rest, account: (await sha256(account)).slice(0, 22) }
}
