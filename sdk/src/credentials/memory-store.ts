import { bindingText, type KeyPair, readCredential, writeCredential } from './credential.ts'
import type { CredentialStore } from './store.ts'
import { Turns } from './turns.ts'

/** Credentials of this process, gone with it. For servers that sign in as a client, and for tests. */
export function memoryStore(): CredentialStore {
  const entries = new Map<string, { text: string; revision: number }>()
  const turns = new Turns()
  const keys = new Map<string, KeyPair>()
  return {
    async load(binding) {
      const entry = entries.get(bindingText(binding))
      if (!entry) return { state: 'absent' }
      const credential = readCredential(entry.text, binding)
      return credential
        ? { state: 'present', credential, revision: entry.revision }
        : { state: 'damaged', detail: 'unreadable' }
    },
    async save(binding, credential, revision) {
      const name = bindingText(binding)
      const entry = entries.get(name)
      if ((entry?.revision ?? null) !== revision) return null
      const next = (entry?.revision ?? 0) + 1
      entries.set(name, { text: writeCredential(credential), revision: next })
      return next
    },
    async remove(binding, revision) {
      const name = bindingText(binding)
      if (revision !== 'any' && entries.get(name)?.revision !== revision) return false
      return entries.delete(name)
    },
    async list({ issuer, clientId, resource }) {
      const accounts: string[] = []
      for (const name of entries.keys()) {
        const [i, c, account, r] = JSON.parse(name) as [string, string, string, string]
        if (i === issuer && c === clientId && r === resource) accounts.push(account)
      }
      return accounts.sort()
    },
    proofKeys: {
      save: async (thumbprint, pair) => void keys.set(thumbprint, pair),
      load: async (thumbprint) => keys.get(thumbprint) ?? null,
      remove: async (thumbprint) => void keys.delete(thumbprint),
    },
    exclusive: (binding, work, signal) => turns.take(bindingText(binding), work, signal),
  }
}
