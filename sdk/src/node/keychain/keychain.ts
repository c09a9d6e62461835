import { platform } from 'node:os'
import { macKeychain } from './macos.ts'
import { secretService } from './secret-service.ts'
import { windowsProtection } from './windows.ts'

/** Which entry: the app's service name and, inside it, what the entry is. */
export type Entry = { service: string; account: string; label: string }

/**
 * The system's keychain, through the program the system brings along: no native module. Secrets go
 * through stdin and stdout, never through arguments, which everybody on the machine may read.
 *
 * `get` answers null only when the keychain says that there is no such entry. Everything else (locked,
 * no session, no program, no answer in time) throws, with a text fit for people.
 */
export type Keychain = {
  /** For people: `macOS Keychain`, `Secret Service`, `Windows Data Protection`. */
  name: string
  get(entry: Entry): Promise<string | null>
  set(entry: Entry, secret: string): Promise<void>
}

/** The keychain of this system. `directory` is where Windows keeps the protected blob. */
export function osKeychain(
  by: { directory: string; timeoutMs: number },
  system: NodeJS.Platform = platform(),
): Keychain {
  switch (system) {
    case 'darwin':
      return macKeychain(by)
    case 'win32':
      return windowsProtection(by)
    default:
      return secretService(by)
  }
}
