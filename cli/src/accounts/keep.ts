import { existsSync } from 'node:fs'
import { platform } from 'node:os'
import { join, resolve } from 'node:path'
import type { Binding } from '../../../sdk/src/credentials/credential.ts'
import type { SealContext, Sealer } from '../../../sdk/src/credentials/sealing.ts'
import type { CredentialStore } from '../../../sdk/src/credentials/store.ts'
import { fileStore } from '../../../sdk/src/node/file-store.ts'
import type { Keychain } from '../../../sdk/src/node/keychain/keychain.ts'
import { keychainSealer } from '../../../sdk/src/node/keychain/keychain-sealer.ts'
import { stateDirectory } from '../../../sdk/src/node/private-files.ts'
import type { Context } from '../command.ts'
import { type AccountBook, type AccountEntry, openBook } from './book.ts'

/** Where the key lies that opens what is stored. */
export type Protection = 'keychain' | 'file'

/** Where this user's sign-ins are kept on this machine. */
export type Keep = {
  dir: string
  book: AccountBook
  store: CredentialStore
  sealer: Sealer
  /** For one account, and where nothing is stored yet, for the next. */
  protection(binding: Binding | null): Promise<Protection>
}

/**
 * Touches nothing until used. LATCHKEY_CLI_DIR moves the folder, such as off a network drive. The key
 * is in the system's keychain where there is one; when it cannot be used, that is said and a key file
 * seals instead.
 */
export function openKeep({ environment, locale, terminal }: Context): Keep {
  const { LATCHKEY_CLI_DIR } = environment
  const dir = LATCHKEY_CLI_DIR ? resolve(LATCHKEY_CLI_DIR) : stateDirectory('latchkey')
  const wanted = hasKeychain(environment)
  const sealer = keychainSealer({ app: 'latchkey', dir, ...(wanted ? {} : { keychain: none }) })
  const store = fileStore({ dir, sealer })
  let fallen = !wanted
  store.watch?.((warning) => {
    // Where nobody expects a keychain, its absence is no news.
    if (wanted) terminal.say(terminal.tone('warn', warning.words(locale).happened))
    fallen = true
  })
  return {
    dir,
    sealer,
    store,
    book: openBook(dir),
    async protection(binding) {
      const held = binding === null ? null : await store.heldBy?.(binding)
      return held ?? (fallen ? 'file' : 'keychain')
    },
  }
}

/** Every desktop has one; a machine without a session bus and a build machine have none. */
function hasKeychain(environment: NodeJS.ProcessEnv): boolean {
  if (environment.LATCHKEY_CLI_KEYCHAIN === 'off' || environment.CI) return false
  if (platform() !== 'linux') return true
  const { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR } = environment
  return (
    Boolean(DBUS_SESSION_BUS_ADDRESS) || existsSync(join(XDG_RUNTIME_DIR || '/nonexistent', 'bus'))
  )
}

const unavailable = async (): Promise<never> => {
  throw new Error('no keychain is used here')
}
const none: Keychain = { name: 'keychain', get: unavailable, set: unavailable }

/** What a sealed text is for; it opens for nothing else. */
export const sealContext = {
  clientSecret: (issuer: string, clientId: string) => contextOf('client-secret', issuer, clientId),
  registration: (issuer: string, clientId: string) => contextOf('registration', issuer, clientId),
}

const contextOf = (what: string, issuer: string, client: string): SealContext => ({
  owner: { issuer, client },
  text: JSON.stringify(['latchkey-cli', what, issuer, client]),
})

/** Under what the SDK keeps the credential of an account; it has one of its own for the app itself. */
export const bindingOf = ({ name, entry }: { name: string; entry: AccountEntry }): Binding => ({
  issuer: entry.issuer,
  clientId: entry.clientId,
  account: entry.kind === 'app' ? '(app)' : name,
  resource: '',
})
