import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Credential } from '../../sdk/src/credentials/credential.ts'
import { fileStore, keychainSealer } from '../../sdk/src/node/index.ts'
import { authorize } from './oauth-browser.ts'
import { type Person, signedUp } from './person.ts'
import { type RunningProcess, startProcess } from './process.ts'

export const cliPath = fileURLToPath(import.meta.resolve('../../cli/bin/latchkey.mjs'))

export type Ran = { code: number | null; signal: NodeJS.Signals | null; out: string; err: string }

/** A user of this machine with a folder of their own and the command line. */
export type Terminal = {
  dir: string
  start(args: readonly string[], env?: Record<string, string>, input?: string): RunningProcess
  run(args: readonly string[], env?: Record<string, string>, input?: string): Promise<Ran>
  /** Runs with `--json` and answers the document. */
  json<T>(code: number, args: readonly string[], env?: Record<string, string>): Promise<T>
  [Symbol.asyncDispose](): Promise<void>
}

export async function openTerminal(env: Record<string, string> = {}): Promise<Terminal> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-cli-'))
  const base = { LATCHKEY_CLI_DIR: join(dir, 'state'), LATCHKEY_CLI_KEYCHAIN: 'off', ...env }
  const start: Terminal['start'] = (args, more = {}, input) =>
    startProcess(cliPath, args, { ...base, ...more }, input)
  const run: Terminal['run'] = async (args, more, input) => {
    const running = start(args, more, input)
    const { code, signal } = await running.ended
    return { code, signal, out: running.out(), err: running.err() }
  }
  return {
    dir: base.LATCHKEY_CLI_DIR,
    start,
    run,
    async json<T>(code: number, args: readonly string[], more?: Record<string, string>) {
      const ran = await run([...args, '--json'], more)
      assert.equal(ran.code, code, `${args.join(' ')}: ${ran.out}${ran.err}`)
      return JSON.parse(ran.out) as T
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

/** Starts a sign-in by loopback and answers the link that the person would open. */
export async function beginLogin(
  terminal: Terminal,
  origin: string,
  args: readonly string[] = [],
): Promise<{ running: RunningProcess; link: string }> {
  const running = terminal.start(['login', '--browser', '--no-open', '--issuer', origin, ...args])
  await running.saw('/oauth/authorize?', 'err')
  const link = /https?:\/\/\S+\/oauth\/authorize\?\S+/.exec(running.err())?.[0] ?? ''
  return { running, link }
}

/** The person allows (or denies), and their browser comes back to the terminal. */
export async function finishLogin(
  { running, link }: Awaited<ReturnType<typeof beginLogin>>,
  person: Person,
  decision: 'allow' | 'deny' = 'allow',
): Promise<Ran> {
  const back = await authorize(person, link, decision)
  await (await fetch(back)).text()
  const { code, signal } = await running.ended
  return { code, signal, out: running.out(), err: running.err() }
}

/** A new person, signed in at a terminal of their own. */
export async function signedInTerminal(origin: string, args: readonly string[] = []) {
  const terminal = await openTerminal()
  const { person, email, accountId } = await signedUp(origin)
  const ran = await finishLogin(await beginLogin(terminal, origin, args), person)
  assert.equal(ran.code, 0, ran.err)
  return { terminal, person, email, accountId }
}

const storeOf = ({ dir }: Terminal) => {
  const unavailable = async () => {
    throw new Error('off')
  }
  const keychain = { name: 'none', get: unavailable, set: unavailable }
  const store = fileStore({ dir, sealer: keychainSealer({ app: 'latchkey', dir, keychain }) })
  store.watch?.(() => {})
  return store
}

/** Changes a stored credential, such as to let it grow old, and answers what it is then. */
export async function alterCredential(
  terminal: Terminal,
  by: { issuer: string; clientId: string; account: string },
  edit: (credential: Credential) => Credential = (credential) => credential,
): Promise<Credential> {
  const store = storeOf(terminal)
  const binding = { ...by, resource: '' }
  const stored = await store.load(binding)
  assert.ok(stored.state === 'present', stored.state)
  const credential = edit(stored.credential)
  await store.save(binding, credential, stored.revision)
  return credential
}

/** As if the tokens had been obtained that much earlier. */
export const older = (ms: number) => (credential: Credential) => ({
  ...credential,
  tokens: { ...credential.tokens, obtainedAt: credential.tokens.obtainedAt - ms },
})

/** Every command line on this machine that `pids` and their like show to other users. */
export async function commandLines(): Promise<string> {
  const { readdir, readFile } = await import('node:fs/promises')
  const lines: string[] = []
  for (const pid of await readdir('/proc'))
    if (/^\d+$/.test(pid))
      lines.push(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
  return lines.join('\n')
}
