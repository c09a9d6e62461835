import type { Keychain } from './keychain.ts'
import { complaint, runProgram } from './run-program.ts'

const notFound = 44 // errSecItemNotFound, as `security` puts it into an exit code

/** The login keychain of macOS, by `security`. */
export function macKeychain(by: { timeoutMs: number; program?: string }): Keychain {
  const { timeoutMs, program = '/usr/bin/security' } = by
  return {
    name: 'macOS Keychain',
    async get({ service, account }) {
      const args = ['find-generic-password', '-s', service, '-a', account, '-w']
      const ran = await runProgram(program, args, { timeoutMs })
      if (ran.code === 0) return ran.stdout.trim()
      if (ran.code === notFound) return null
      throw new Error(complaint(program, ran))
    },
    async set({ service, account, label }, secret) {
      // `-w secret` as an argument would show it in the process list; `-i` reads commands from stdin.
      const words = ['-U', '-s', service, '-a', account, '-l', label, '-w', secret]
      const input = `add-generic-password ${words.map(quoted).join(' ')}\n`
      const ran = await runProgram(program, ['-i'], { timeoutMs, input })
      // Its exit code does not tell in this mode; the caller reads the entry back.
      if (ran.code !== 0) throw new Error(complaint(program, ran))
    },
  }
}

/** As `security -i` splits words: double quotes, with backslash before quotes and backslashes. */
function quoted(word: string): string {
  if (/[\r\n\0]/.test(word)) throw new Error('a keychain entry has one line')
  return `"${word.replace(/["\\]/g, '\\$&')}"`
}
