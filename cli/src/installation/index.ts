import type { Command } from '../command.ts'
import type { Observation } from '../doctor/finding.ts'

export type Installation = {
  commands: Readonly<Record<string, Command>>
  examine(environment: NodeJS.ProcessEnv): Promise<Observation[]>
}

/**
 * The commands for whoever runs a server, and what `doctor` can say about one. They use the server's
 * own code, which lies beside ours in its folder; the package that people install to sign in is
 * built without this module (`build.ts`).
 */
export const installation: Installation | null = {
  commands: {
    serve: {
      usage: '',
      text: (m) => m.commands.serve,
      options: {},
      ownSignals: true,
      load: async () => (await import('./serve.ts')).serve,
    },
    migrate: {
      usage: '[--status]',
      text: (m) => m.commands.migrate,
      options: { status: { type: 'boolean' } },
      ownSignals: true,
      load: async () => (await import('./migrate.ts')).migrateCommand,
    },
    'operator create': {
      usage: '--email E [--role operator|reviewer|auditor|support]',
      text: (m) => m.commands.operatorCreate,
      options: { email: { type: 'string' }, role: { type: 'string', default: 'operator' } },
      load: async () => (await import('./operator-create.ts')).operatorCreate,
    },
    'audit verify': {
      usage: '',
      text: (m) => m.commands.auditVerify,
      options: {},
      load: async () => (await import('./audit-verify.ts')).auditVerify,
    },
  },
  examine: async (environment) => (await import('./examine.ts')).examineInstallation(environment),
}
