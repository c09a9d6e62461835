import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { decrypt, encrypt, importKey, keySealer, type Sealer } from '../../credentials/sealing.ts'
import { Turns } from '../../credentials/turns.ts'
import { StoreLocked, StoreUnavailable } from '../../errors/errors.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { systemRandom } from '../../platform/random.ts'
import { withFileLock } from '../locks/lock.ts'
import { ensurePrivateDirectory, localKey, readKey, stateDirectory } from '../private-files.ts'
import { type Entry, type Keychain, osKeychain } from './keychain.ts'

export type KeychainOptions = {
  /** Names the app in the keychain, and its folder in the user's state directory. */
  app: string
  /** The folder of the key file, instead of the app's own. */
  dir?: string
  /** How long the keychain may take. Default 3 000. */
  timeoutMs?: number
  /** Default: the one of this system. */
  keychain?: Keychain
  clock?: Clock
}

type Key = { id: string; key: CryptoKey }

const leaveAloneMs = 60_000 // a keychain that hung would cost three seconds on every save

/**
 * Seals with a 32-byte key in the system's keychain; the credentials themselves stay in files, which
 * are not limited to 2,560 bytes and are replaced atomically.
 *
 * A keychain that is locked, absent or silent for three seconds is told about (`watch`, else the
 * console), and a key file of mode 0600 seals instead. Each text says which key sealed it: what the
 * key file sealed always opens, and with the keychain back the next save uses it again. What the
 * keychain's key sealed waits for it (`keychain_away`), or is replaced by signing in anew.
 */
export function keychainSealer(options: KeychainOptions): Sealer {
  const { app, timeoutMs = 3_000, clock = systemClock } = options
  const dir = options.dir ?? stateDirectory(app)
  const keyFile = join(dir, 'local.key')
  const keychain = options.keychain
    ? patientWith(options.keychain, timeoutMs, clock)
    : osKeychain({ directory: dir, timeoutMs })
  const entry: Entry = { service: app, account: 'credential-key', label: `${app} credential key` }
  const watchers = new Set<(warning: StoreUnavailable) => void>()
  const turns = new Turns()
  let held: Key | null = null
  let away: { until: number; detail: string } | null = null
  let warned = false

  /** The keychain's key; null when it has none and `make` is not set. Throws when it is away. */
  const keychainKey = (make: boolean): Promise<Key | null> =>
    turns.take('keychain', async () => {
      if (held) return held
      if (away && clock.monotonic() < away.until) throw new Error(away.detail)
      try {
        const found = await keychain.get(entry)
        if (found !== null) held = await keyOf(found)
        else if (make) held = await makeKey(keychain, entry, dir)
      } catch (error) {
        const detail = `${keychain.name}: ${(error as Error).message}`
        away = { until: clock.monotonic() + leaveAloneMs, detail }
        throw new Error(detail, { cause: error })
      }
      away = null
      warned = false
      return held
    })
  const fileKey = async (): Promise<Key> => toKey(await localKey(keyFile))
  const fileKeyIfThere = async (): Promise<Key | null> => {
    const bytes = await readKey(keyFile)
    return bytes && toKey(bytes)
  }
  const warn = (detail: string) => {
    if (warned) return
    warned = true
    const warning = new StoreUnavailable('keychain_fallback', { detail, path: keyFile })
    for (const watcher of watchers) watcher(warning)
    if (watchers.size === 0) console.warn(warning.message)
  }

  return {
    async seal(context, text) {
      let key: Key
      try {
        key = (await keychainKey(true)) ?? (await fileKey())
      } catch (error) {
        warn((error as Error).message)
        key = await fileKey()
      }
      const kind = `v3.${key.id}.`
      return kind + (await encrypt(key.key, kind + context.text, text, systemRandom))
    },
    async open(context, sealed) {
      // Sealed before there was a choice of keys: the file store's own.
      if (sealed.startsWith('v1.')) return keySealer(() => localKey(keyFile)).open(context, sealed)
      const [version, id, ...rest] = sealed.split('.')
      if (version !== 'v3' || id === undefined) throw new Error('sealed in an unknown form')
      let key = held?.id === id ? held : await fileKeyIfThere()
      if (key?.id !== id) {
        held = null // the entry may have been made anew since
        try {
          key = await keychainKey(false)
        } catch (cause) {
          const detail = (cause as Error).message
          throw new StoreLocked('keychain_away', { detail, cause })
        }
      }
      if (key?.id !== id) throw new Error('sealed with a key that is gone')
      return decrypt(key.key, `v3.${id}.${context.text}`, rest.join('.'))
    },
    async heldBy(sealed) {
      const [version, id] = sealed.split('.')
      return version === 'v1' || (await fileKeyIfThere())?.id === id ? 'file' : 'keychain'
    },
    watch: (listener) => watchers.add(listener),
  }
}

/** Keychains of others know no time-out of ours: a silent one would hold up every renewal. */
function patientWith(keychain: Keychain, timeoutMs: number, clock: Clock): Keychain {
  const within = <T>(answer: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const late = () => reject(new Error(`gave no answer within ${timeoutMs / 1_000} s`))
      const cancel = clock.timer(timeoutMs, late, 'hold')
      answer.then(resolve, reject).finally(cancel)
    })
  return {
    name: keychain.name,
    get: (entry) => within(keychain.get(entry)),
    set: (entry, secret) => within(keychain.set(entry, secret)),
  }
}

/** Processes that start together agree on one key, and a key that was not kept is not used. */
async function makeKey(keychain: Keychain, entry: Entry, dir: string): Promise<Key> {
  await ensurePrivateDirectory(dir)
  return withFileLock(join(dir, 'keychain.lock'), async () => {
    const found = await keychain.get(entry)
    if (found !== null) return keyOf(found)
    const made = Buffer.from(systemRandom.bytes(32)).toString('base64')
    await keychain.set(entry, made)
    if ((await keychain.get(entry)) !== made) throw new Error('it did not keep the new key')
    return keyOf(made)
  })
}

function keyOf(text: string): Promise<Key> {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'))
  if (bytes.length !== 32) throw new Error('its entry does not hold a key')
  return toKey(bytes)
}

async function toKey(bytes: Uint8Array<ArrayBuffer>): Promise<Key> {
  try {
    // Enough of a hash to tell keys apart; it says nothing about the key.
    const id = createHash('sha256').update(bytes).digest('base64url').slice(0, 10)
    return { id, key: await importKey(bytes) }
  } finally {
    bytes.fill(0)
  }
}
