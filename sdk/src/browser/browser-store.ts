import {
  type Binding,
  bindingText,
  type KeyPair,
  readCredential,
  writeCredential,
} from '../credentials/credential.ts'
import { credentialContext, keySealer } from '../credentials/sealing.ts'
import { type CredentialStore, loadToReplace } from '../credentials/store.ts'
import { openDatabase } from './database.ts'

export type BrowserStoreOptions = {
  /** Name of the IndexedDB database. Default `latchkey`. */
  name?: string
}

type Row = { revision: number; body: string; binding: Binding }

/**
 * Credentials of this origin in this browser profile, shared by its tabs and workers. The turn is a
 * Web Lock, which the browser frees when its tab is gone; other tabs hear of each change and take it
 * over. Needs a secure context (https, or localhost).
 *
 * IndexedDB rather than localStorage: it keeps Web Crypto keys as they are, so the key that seals the
 * tokens and the keys they are bound to (`dpop`) cannot be read out by anybody, saves are
 * transactions, and workers have it. A script injected into your page can still *use* what your page
 * can use: where that is not bearable, keep tokens on a server and a cookie here.
 */
export function browserStore(options: BrowserStoreOptions = {}): CredentialStore {
  const name = options.name ?? 'latchkey'
  const database = openDatabase(name)
  const sealer = keySealer(() => sealingKey(database))
  const row = (binding: Binding) => database.get<Row>('credentials', bindingText(binding))

  let channel: BroadcastChannel | null = null
  const tell = (binding: Binding) => {
    channel ??= new BroadcastChannel(name)
    channel.postMessage(binding)
  }

  const load: CredentialStore['load'] = async (binding) => {
    const found = await row(binding)
    if (!found) return { state: 'absent' }
    let text: string
    try {
      text = await sealer.open(credentialContext(binding, found.revision), found.body)
    } catch {
      return { state: 'damaged', detail: 'the seal does not open' }
    }
    const credential = readCredential(text, binding)
    if (!credential) return { state: 'damaged', detail: 'unreadable inside its seal' }
    const { proofKey } = credential.tokens
    if (proofKey?.jwk === null && !(await proofKeys.load(proofKey.thumbprint)))
      return { state: 'damaged', detail: 'the key its tokens are bound to is gone' }
    return { state: 'present', credential, revision: found.revision }
  }
  const proofKeys = {
    save: (thumbprint: string, pair: KeyPair) => database.put('keys', `proof ${thumbprint}`, pair),
    load: async (thumbprint: string) =>
      (await database.get<KeyPair>('keys', `proof ${thumbprint}`)) ?? null,
    remove: (thumbprint: string) => database.remove('keys', `proof ${thumbprint}`),
  }

  return {
    load,
    proofKeys,
    async save(binding, credential, revision) {
      const before = (await row(binding))?.revision
      if (revision !== null && before !== revision) return null
      if (revision === null && before !== undefined) {
        const stored = await loadToReplace({ load }, binding)
        if (stored.state === 'present') return null
      }
      const next = (before ?? 0) + 1
      const text = writeCredential(credential)
      const body = await sealer.seal(credentialContext(binding, next), text)
      const saved = await database.update<Row>('credentials', bindingText(binding), (found) =>
        found?.revision === before ? { put: { revision: next, body, binding } } : null,
      )
      if (saved) tell(binding)
      return saved ? next : null
    },
    async remove(binding, revision) {
      const gone = await database.update<Row>('credentials', bindingText(binding), (found) =>
        found !== undefined && (revision === 'any' || found.revision === revision)
          ? 'remove'
          : null,
      )
      if (gone) tell(binding)
      return gone
    },
    async list({ issuer, clientId, resource }) {
      const accounts: string[] = []
      for (const { binding } of await database.all<Row>('credentials'))
        if (
          binding.issuer === issuer &&
          binding.clientId === clientId &&
          binding.resource === resource
        )
          accounts.push(binding.account)
      return accounts.sort()
    },
    async exclusive<T>(binding: Binding, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
      if (!navigator.locks) throw new Error('tabs need a secure context (https) to take turns')
      return navigator.locks.request(
        `${name} ${bindingText(binding)}`,
        signal ? { signal } : {},
        () => {
          signal?.throwIfAborted() // Chromium misses one that comes right after the request
          return work()
        },
      )
    },
    changes(listener) {
      const heard = new BroadcastChannel(name)
      heard.onmessage = ({ data }) => listener(data as Binding)
      return () => heard.close()
    },
  }
}

/** One for the profile: tabs that start together agree, because only the first one is added. */
async function sealingKey(database: ReturnType<typeof openDatabase>): Promise<CryptoKey> {
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
  let key = made
  await database.update<CryptoKey>('keys', 'seal', (found) => {
    if (found === undefined) return { put: made }
    key = found
    return null
  })
  return key
}
