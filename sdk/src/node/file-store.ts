import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Binding,
  bindingText,
  readCredential,
  writeCredential,
} from '../credentials/credential.ts'
import { credentialContext, keySealer, type Sealer } from '../credentials/sealing.ts'
import { type CredentialStore, loadToReplace } from '../credentials/store.ts'
import { type Edition, readEdition, removeEditions, writeEdition } from './editions.ts'
import { type LockOptions, withFileLock } from './locks/lock.ts'
import { ensurePrivateDirectory, localKey, stateDirectory } from './private-files.ts'

export type FileStoreOptions = {
  /** Names the app's folder in the user's state directory. */
  app?: string
  /** The folder itself, instead of `app`. */
  dir?: string
  /** How processes that share the folder take turns. Default: as its file system demands. */
  lock?: LockOptions
  /** Default: AES-256-GCM under `local.key` in the same folder (keeps tokens out of stray copies). */
  sealer?: Sealer
}

/** `revision` is the one it was sealed as; rewrapping makes another edition of the same seal. */
type Envelope = { v: 1; revision: number; binding: Binding; sealed: string }

/**
 * Credentials of this user on this machine, one sealed file each, shared by all processes. Folder
 * 0700, files 0600, replaced atomically and durably, edition by edition, links not followed. What cannot be opened is
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
  const pathOf = (binding: Binding) =>
    join(dir, createHash('sha256').update(bindingText(binding)).digest('hex').slice(0, 32))

  const load: CredentialStore['load'] = async (binding) => {
    await prepared()
    const found = await readEdition(pathOf(binding))
    if (found === null) return { state: 'absent' }
    if (found.read.state === 'unusable') return { state: 'damaged', detail: found.read.detail }
    const envelope = readEnvelope(found)
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
      ? { state: 'present', credential, revision: found.number }
      : { state: 'damaged', detail: 'unreadable inside its seal' }
  }

  const rewrap = async (binding: Binding): Promise<boolean> => {
    await prepared()
    const path = pathOf(binding)
    const work = async () => {
      const found = await readEdition(path)
      const envelope = found && readEnvelope(found)
      if (!found || !envelope || !sealer.rewrap) return false
      const context = credentialContext(binding, envelope.revision)
      const sealed = await sealer.rewrap(context, envelope.sealed)
      return writeEdition(path, writeEnvelope({ ...envelope, sealed }), found.number)
    }
    return withFileLock(`${path}.lock`, work, undefined, options.lock)
  }

  const heldBy = async (binding: Binding) => {
    await prepared()
    const found = await readEdition(pathOf(binding))
    const envelope = found && readEnvelope(found)
    return envelope && sealer.heldBy ? sealer.heldBy(envelope.sealed) : null
  }

  return {
    load,
    async save(binding, credential, revision) {
      await prepared()
      const found = await readEdition(pathOf(binding))
      const before = found?.number ?? null
      if (revision !== null && before !== revision) return null
      // Over nothing means over damage too, and damage is for `load` to judge.
      if (revision === null && before !== null) {
        const stored = await loadToReplace({ load }, binding)
        if (stored.state === 'present') return null
      }
      const next = (before ?? 0) + 1
      const context = credentialContext(binding, next)
      const sealed = await sealer.seal(context, writeCredential(credential))
      const text = writeEnvelope({ v: 1, revision: next, binding, sealed })
      return (await writeEdition(pathOf(binding), text, before)) ? next : null
    },
    async remove(binding, revision) {
      await prepared()
      const found = await readEdition(pathOf(binding))
      if (found === null || (revision !== 'any' && found.number !== revision)) return false
      await removeEditions(pathOf(binding))
      return true
    },
    async list({ issuer, clientId, resource }) {
      await prepared()
      const accounts: string[] = []
      const names = (await readdir(dir)).map((name) => /^[0-9a-f]{32}(?=\.\d+\.)/.exec(name)?.[0])
      for (const name of new Set(names)) {
        const found = name === undefined ? null : await readEdition(join(dir, name))
        const binding = found ? readEnvelope(found)?.binding : undefined
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
      return withFileLock(`${pathOf(binding)}.lock`, work, signal, options.lock)
    },
    ...(sealer.rewrap ? { rewrap } : {}),
    ...(sealer.heldBy ? { heldBy } : {}),
    ...(sealer.watch ? { watch: (listener) => sealer.watch?.(listener) } : {}),
  }
}

const writeEnvelope = (envelope: Envelope): string => `${JSON.stringify(envelope)}\n`

function readEnvelope({ number, read }: Edition): Envelope | null {
  if (read.state !== 'present') return null
  try {
    const value = JSON.parse(read.text) as Partial<Envelope> | null
    const { revision, sealed, binding } = value ?? {}
    const whole = Number.isSafeInteger(revision) && Number(revision) <= number
    return value?.v === 1 &&
      whole &&
      typeof sealed === 'string' &&
      typeof binding?.account === 'string'
      ? (value as Envelope)
      : null
  } catch {
    return null
  }
}
