import { type Chosen, shellWord } from './choose.ts'

/** The command that signs this account in again. */
export const signInCommandOf = ({ name, entry }: Chosen): string =>
  [
    'latchkey login',
    `--issuer ${shellWord(entry.issuer)}`,
    `--account ${shellWord(name)}`,
    ...(entry.selfRegistered ? [] : [`--client-id ${shellWord(entry.clientId)}`]),
    ...(entry.kind === 'app' ? ['--client-credentials'] : []),
  ].join(' ')
