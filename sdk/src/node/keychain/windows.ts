import { join } from 'node:path'
import { readPrivate, writePrivate } from '../private-files.ts'
import type { Keychain } from './keychain.ts'
import { complaint, runProgram } from './run-program.ts'

const script = (verb: 'Protect' | 'Unprotect') =>
  [
    "$ErrorActionPreference = 'Stop'",
    'Add-Type -AssemblyName System.Security',
    '$in = [Convert]::FromBase64String([Console]::In.ReadToEnd().Trim())',
    `$out = [Security.Cryptography.ProtectedData]::${verb}($in, $null, 'CurrentUser')`,
    '[Console]::Out.Write([Convert]::ToBase64String($out))',
  ].join('; ')

/**
 * Windows Data Protection (DPAPI): the secret is encrypted for this Windows user and kept in a file
 * beside the credentials, so there is no entry whose size could be too small. By Windows PowerShell,
 * which every Windows brings along.
 */
export function windowsProtection(by: {
  directory: string
  timeoutMs: number
  program?: string
}): Keychain {
  const { timeoutMs } = by
  const program =
    by.program ??
    join(
      process.env.SystemRoot ?? 'C:\\Windows',
      'System32\\WindowsPowerShell\\v1.0\\powershell.exe',
    )
  const pathOf = (account: string) => join(by.directory, `${account}.protected`)
  const run = async (verb: 'Protect' | 'Unprotect', input: string) => {
    const args = ['-NoProfile', '-NonInteractive', '-Command', script(verb)]
    const ran = await runProgram(program, args, { timeoutMs, input })
    if (ran.code !== 0 || ran.stdout === '') throw new Error(complaint('powershell', ran))
    return ran.stdout.trim()
  }
  return {
    name: 'Windows Data Protection',
    async get({ account }) {
      const found = await readPrivate(pathOf(account))
      if (found.state === 'absent') return null
      if (found.state === 'unusable') throw new Error(found.detail)
      return Buffer.from(await run('Unprotect', found.text.trim()), 'base64').toString('utf8')
    },
    async set({ account }, secret) {
      const blob = await run('Protect', Buffer.from(secret, 'utf8').toString('base64'))
      await writePrivate(pathOf(account), `${blob}\n`)
    },
  }
}
