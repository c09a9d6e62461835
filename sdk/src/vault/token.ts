import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

export type VaultTokenOptions = {
  /** Where an agent keeps the token, such as a Vault Agent sink. Default `~/.vault-token`. */
  file?: string
  env?: NodeJS.ProcessEnv
}

/**
 * The Vault token of this process: `file` if one is named, else `VAULT_TOKEN`, else `~/.vault-token`.
 * A file is read again when it has changed and whenever Vault refused the token, so an agent may
 * renew or replace it at any time. Renewing a token is the agent's work, not ours.
 */
export function vaultToken(
  options: VaultTokenOptions = {},
): (by: { refused: boolean }) => Promise<string> {
  const env = options.env ?? process.env
  const file = options.file ?? join(homedir(), '.vault-token')
  let read: { stamp: string; token: string } | null = null
  return async ({ refused }) => {
    if (options.file === undefined && env.VAULT_TOKEN) return env.VAULT_TOKEN
    const { mtimeMs, size, ino } = await stat(file)
    const stamp = `${mtimeMs} ${size} ${ino}`
    if (read === null || refused || read.stamp !== stamp) {
      const token = (await readFile(file, 'utf8')).trim()
      if (!/^[\x21-\x7e]{1,4096}$/.test(token)) throw new Error(`${file} does not hold a token`)
      read = { stamp, token }
    }
    return read.token
  }
}
