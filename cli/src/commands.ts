import type { Command } from './command.ts'
import { installation } from './installation/index.ts'

const account = {
  account: { type: 'string', short: 'a' },
  profile: { type: 'string' },
  issuer: { type: 'string' },
} as const
const accountUsage = '[--account NAME]'

const people: Record<string, Command> = {
  login: {
    usage:
      '[--issuer URL] [--account NAME] [--device] [--scope "A B"] [--client-id ID] [--client-credentials] …',
    text: (m) => m.commands.login,
    options: {
      ...account,
      'client-id': { type: 'string' },
      'client-credentials': { type: 'boolean' },
      'secret-stdin': { type: 'boolean' },
      scope: { type: 'string' },
      'base-url': { type: 'string' },
      device: { type: 'boolean' },
      browser: { type: 'boolean' },
      'no-open': { type: 'boolean' },
      localhost: { type: 'boolean' },
      port: { type: 'string' },
      timeout: { type: 'string' },
    },
    load: async () => (await import('./accounts/login.ts')).login,
  },
  logout: {
    usage: `${accountUsage} | --all`,
    text: (m) => m.commands.logout,
    options: { ...account, all: { type: 'boolean' } },
    load: async () => (await import('./accounts/logout.ts')).logout,
  },
  whoami: {
    usage: `${accountUsage} [--all] [--verify]`,
    text: (m) => m.commands.whoami,
    options: { ...account, all: { type: 'boolean' }, verify: { type: 'boolean' } },
    load: async () => (await import('./accounts/whoami.ts')).whoami,
  },
  accounts: {
    usage: '',
    text: (m) => m.commands.accounts,
    options: { names: { type: 'boolean' } },
    load: async () => (await import('./accounts/list.ts')).listAccounts,
  },
  use: {
    usage: 'NAME',
    text: (m) => m.commands.use,
    options: {},
    positionals: { min: 1, max: 1, are: 'accounts' },
    load: async () => (await import('./accounts/use.ts')).use,
  },
  token: {
    usage: `${accountUsage} [--min-life SECONDS]`,
    text: (m) => m.commands.token,
    options: { ...account, 'min-life': { type: 'string' } },
    load: async () => (await import('./accounts/token.ts')).token,
  },
  exec: {
    usage: `${accountUsage} [--base-url URL] [--token-in-env] -- COMMAND [ARGUMENTS]`,
    text: (m) => m.commands.exec,
    options: { ...account, 'base-url': { type: 'string' }, 'token-in-env': { type: 'boolean' } },
    rest: true,
    ownSignals: true,
    load: async () => (await import('./exec/exec.ts')).exec,
  },
  doctor: {
    usage: '[--client | --server] [--offline] [--account NAME] [--issuer URL]',
    text: (m) => m.commands.doctor,
    options: {
      ...account,
      client: { type: 'boolean' },
      server: { type: 'boolean' },
      offline: { type: 'boolean' },
    },
    load: async () => (await import('./doctor/doctor.ts')).doctor,
  },
  scan: {
    usage: '[PATH… | -] [--tracked | --all]',
    text: (m) => m.commands.scan,
    options: { tracked: { type: 'boolean' }, all: { type: 'boolean' } },
    positionals: { min: 0, max: 1_000, are: 'files' },
    load: async () => (await import('./scan/scan.ts')).scan,
  },
  completion: {
    usage: 'bash|zsh|fish',
    text: (m) => m.commands.completion,
    options: {},
    positionals: { min: 1, max: 1, values: ['bash', 'zsh', 'fish'] },
    load: async () => (await import('./completion/completion.ts')).completion,
  },
}

/** What only the server's folder has, for those who look for it elsewhere. */
export const serverCommands = ['serve', 'migrate', 'operator create', 'audit verify']

/** Every command there is here, by the words that name it. */
export const commands: Readonly<Record<string, Command>> = { ...people, ...installation?.commands }
