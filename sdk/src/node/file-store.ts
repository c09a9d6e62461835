import { createHash } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Binding,
  bindingText,
  readCredential,
  writeCredential,
} from '../credentials/credential.ts'
import { credentialContext, keySealer, type Sealer } from '../credentials/sealing.ts'
import { type CredentialStore, loadToReplace } from '../credentials/store.ts'
import { withFileLock } from './lock.ts'
import {
  ensurePrivateDirectory,
  localKey,
  readPrivate,
  stateDirectory,
  syncDirectory,
  writePrivate,
} from './private-files.ts'

export type FileStoreOptions = {
  /** Names the app's folder in the user's state directory. */
  app?: string
  /** The folder itself, instead of `app`. On a local disk: locks need it. */
  dir?: string
  /** Default: AES-256-GCM under `local.key` in the same folder (keeps tokens out of stray copies). */
  sealer?: Sealer
}

type Envelope = { v: 1; revision: number; binding: Binding; sealed: string }

/**
 * Credentials of this user on this machine, one sealed file each, shared by all processes. Folder
 * 0700, files 0600, replaced atomically and durably, links not followed. What cannot be opened is
 * `damaged`: the way out is to sign in again, never plain text and never a crash.
 */
export function fileStore(options: FileStoreOptions): CredentialStore {
  const dir = options.dir ?? stateDirectory(options.app ?? '')
  const sealer: Sealer = options.sealer ?? {
    ...keySealer(() => localKey(join(dir, 'local.key'))),
    heldBy: async () => 'file',
  }
  let ready: Promise<void> | null = null
  const prepared = () => {
    if (ready === null) {
      const asked = ensurePrivateDirectory(dir)
      ready = asked
      asked.catch(() => {
        ready = null
      })
    }
    return ready
  }
  const pathOf = (binding: Binding, ending: string) =>
    join(
      dir,
      `${createHash('sha256').update(bindingText(binding)).digest('hex').slice(0, 32)}.${ending}`,
    )

  const load: CredentialStore['load'] = async (binding) => {
    await prepared()
    const found = await readPrivate(pathOf(binding, 'credential'))
    if (found.state === 'absent') return found
    if (found.state === 'unusable') return { state: 'damaged', detail: found.detail }
    const envelope = readEnvelope(found.text)
    if (envelope === null) return { state: 'damaged', detail: 'not a credential file' }
    let text: string
    try {
      text = await sealer.open(credentialContext(binding, envelope.revision), envelope.sealed)
    } catch (error) {
      // A key service that is away throws an error with a code; that is not damage.
      if (error instanceof Error && 'code' in error && typeof error.code === 'string') throw error
      return { state: 'damaged', detail: 'the seal does not open' }
    }
    const credential = readCredential(text, binding)
    return credential
      ? { state: 'present', credential, revision: envelope.revision }
      : { state: 'damaged', detail: 'unreadable inside its seal' }
  }

  const rewrap = async (binding: Binding): Promise<boolean> => {
    await prepared()
    const path = pathOf(binding, 'credential')
    return withFileLock(pathOf(binding, 'lock'), async () => {
      const found = await readPrivate(path)
      const envelope = found.state === 'present' ? readEnvelope(found.text) : null
      if (envelope === null || !sealer.rewrap) return false
      const context = credentialContext(binding, envelope.revision)
      const sealed = await sealer.rewrap(context, envelope.sealed)
      await writePrivate(path, `${JSON.stringify({ ...envelope, sealed })}\n`)
      return true
    })
  }

  const heldBy = async (binding: Binding) => {
    await prepared()
    const found = await readPrivate(pathOf(binding, 'credential'))
    const envelope = found.state === 'present' ? readEnvelope(found.text) : null
    return envelope && sealer.heldBy ? sealer.heldBy(envelope.sealed) : null
  }

  return {
    load,
    async save(binding, credential, revision) {
      await prepared()
      const path = pathOf(binding, 'credential')
      const found = await readPrivate(path)
      const before = found.state === 'present' ? readEnvelope(found.text) : null
      if (revision !== null && before?.revision !== revision) return null
      // Over nothing means over damage too, and damage is for `load` to judge.
      if (revision === null && before !== null) {
        const stored = await loadToReplace({ load }, binding)
        if (stored.state === 'present') return null
      }
      const next = (before?.revision ?? 0) + 1
      const sealed = await sealer.seal(
        credentialContext(binding, next),
        writeCredential(credential),
      )
      const envelope: Envelope = { v: 1, revision: next, binding, sealed }
      await writePrivate(path, `${JSON.stringify(envelope)}\n`)
      return next
    },
    async remove(binding, revision) {
      await prepared()
      const path = pathOf(binding, 'credential')
      const found = await readPrivate(path)
      if (found.state === 'absent') return false
      const before = found.state === 'present' ? readEnvelope(found.text) : null
      if (revision !== 'any' && before?.revision !== revision) return false
      await rm(path, { force: true })
      await syncDirectory(dir)
      return true
    },
    async list({ issuer, clientId, resource }) {
      await prepared()
      const accounts: string[] = []
      for (const name of await readdir(dir)) {
        if (!name.endsWith('.credential')) continue
        const found = await readPrivate(join(dir, name))
        const binding = found.state === 'present' ? readEnvelope(found.text)?.binding : undefined
        if (
          binding?.issuer === issuer &&
          binding.clientId === clientId &&
          binding.resource === resource
        )
          accounts.push(binding.account)
      }
      return accounts.sort()
    },
    async exclusive(binding, work, signal) {
      await prepared()
      return withFileLock(pathOf(binding, 'lock'), work, signal)
    },
    ...(sealer.rewrap ? { rewrap } : {}),
    ...(sealer.heldBy ? { heldBy } : {}),
    ...(sealer.watch ? { watch: (listener) => sealer.watch?.(listener) } : {}),
  }
}

function readEnvelope(text: string): Envelope | null {
  try {
    const value = JSON.parse(text) as Partial<Envelope> | null
    const binding = value?.binding
    return value?.v === 1 &&
      Number.isSafeInteger(value.revision) &&
      typeof value.sealed === 'string' &&
      typeof binding?.account === 'string'
      ? (value as Envelope)
      : null
  } catch {
    return null
  }
}
