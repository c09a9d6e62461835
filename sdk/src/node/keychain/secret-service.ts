import type { Keychain } from './keychain.ts'
import { complaint, runProgram } from './run-program.ts'

/** GNOME Keyring, KWallet and others behind the freedesktop Secret Service, by `secret-tool`. */
export function secretService(by: { timeoutMs: number; program?: string }): Keychain {
  const { timeoutMs, program = 'secret-tool' } = by
  return {
    name: 'Secret Service',
    async get({ service, account }) {
      const args = ['lookup', 'service', service, 'account', account]
      const ran = await runProgram(program, args, { timeoutMs })
      if (ran.code === 0 && ran.stdout !== '') return ran.stdout.trim()
      if (ran.code === 1 && ran.stderr.trim() === '') return null // its way to say: not there
      throw new Error(complaint(program, ran))
    },
    async set({ service, account, label }, secret) {
      const args = ['store', `--label=${label}`, 'service', service, 'account', account]
      const ran = await runProgram(program, args, { timeoutMs, input: secret })
      if (ran.code !== 0) throw new Error(complaint(program, ran))
    },
  }
}
