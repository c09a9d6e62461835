import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Provider from 'oidc-provider'
import { createAuth, discover } from '../../sdk/src/index.ts'
import { fileStore } from '../../sdk/src/node/index.ts'
import { person } from '../../sdk/src/sign-in/person.fixture.ts'
import { FakeProvider, seededRandom } from '../../sdk/src/testing/index.ts'
import { authorize, callback, registerApp } from '../../test/harness/oauth-browser.ts'
import { signedUp } from '../../test/harness/person.ts'
import { startServer } from '../../test/harness/server.ts'
import { baseline, keep, round, versionOf } from './measure.ts'

/**
 * Claim 4. Eight processes share one sign-in at a provider that rotates refresh tokens and accepts each
 * once, and are killed with -9 at random: one time in twenty while their reply is on the way, one in ten
 * around their save. 1,000 refreshes; counted is how often a person would have had to sign in again,
 * and how often a refresh token was spent by two.
 */
const refreshes = Number(process.env.REFRESHES ?? 1_000)
const processes = 8
const only = process.env.ONLY

/** Where the sign-in is: what processes are pointed at, and how somebody signs in (again). */
type Place = {
  issuer: string
  token: string
  clientId: string
  account: string
  /** Signs in and answers the token reply; the SDK's store, if one is given, is saved to as well. */
  signIn(dir: string, plain: boolean): Promise<void>
  close(): Promise<void>
}

async function fake(replaySeconds: number): Promise<Place> {
  const provider = new FakeProvider({ replaySeconds })
  await provider.listen()
  return {
    issuer: provider.issuer,
    token: `${provider.issuer}/token`,
    clientId: 'app',
    account: 'default',
    async signIn(dir, plain) {
      const auth = createAuth({
        provider: discover(provider.issuer),
        clientId: 'app',
        store: fileStore({ dir }),
        refresh: { background: false },
      })
      if (plain) writeFileSync(join(dir, 'tokens.json'), JSON.stringify(provider.grant()))
      else await auth.signInByCode(provider.code())
      await auth.close()
    },
    close: () => provider.close(),
  }
}

async function oidcProvider(): Promise<Place> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { warn, info } = console
  console.warn = console.info = () => {} // its hints about production
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'app',
        token_endpoint_auth_method: 'none',
        redirect_uris: [callback],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access'],
    cookies: { keys: ['a key'] },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  })
  Object.assign(console, { warn, info })
  server.on('request', provider.callback())
  return {
    issuer,
    token: `${issuer}/token`,
    clientId: 'app',
    account: 'default',
    async signIn(dir) {
      const auth = createAuth({
        provider: discover(issuer),
        clientId: 'app',
        scopes: ['openid', 'offline_access'],
        store: fileStore({ dir }),
        refresh: { background: false },
      })
      const { url, transaction } = await auth.beginSignIn({ redirectUri: callback })
      await auth.finishSignIn(transaction, (await person(url.href, callback)).url)
      await auth.close()
    },
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function latchkey(): Promise<Place> {
  const server = await startServer()
  const { person, accountId } = await signedUp(server.origin)
  const app = await registerApp(person, { token_endpoint_auth_method: 'none' })
  return {
    issuer: server.origin,
    token: `${server.origin}/oauth/token`,
    clientId: app.client_id,
    account: accountId,
    async signIn(dir) {
      const auth = createAuth({
        provider: discover(server.origin),
        clientId: app.client_id,
        scopes: ['openid', 'offline_access', 'models:read'],
        store: fileStore({ dir }),
        refresh: { background: false },
      })
      const by = { redirectUri: callback, account: accountId }
      const { url, transaction } = await auth.beginSignIn(by)
      await auth.finishSignIn(transaction, await authorize(person, url))
      await auth.close()
    },
    close: () => server[Symbol.asyncDispose](),
  }
}

type Spent = { token: string; ok: boolean; successor: string | null }

/** Eight processes of one way at one place, with a relay between that sees and kills. */
async function run(way: string, place: Place) {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const random = seededRandom(20_261_122)
  const spent: Spent[] = []
  const kills = { reply: 0, save: 0 }
  let signIns = 0
  let done = false
  const children = new Map<number, ChildProcess>()
  const began = performance.now()

  const relay = createServer(async (incoming, outgoing) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of incoming) chunks.push(chunk as Uint8Array)
    const body = Buffer.concat(chunks)
    const { 'x-pid': pid, host: _, connection: __, ...rest } = incoming.headers
    const headers = new Headers()
    for (const [name, value] of Object.entries(rest))
      if (typeof value === 'string' && name !== 'content-length') headers.set(name, value)
    const answer = await fetch(place.token, { method: 'POST', headers, body })
    const text = await answer.text()
    const form = new URLSearchParams(body.toString())
    const reply = JSON.parse(text) as { refresh_token?: string }
    spent.push({
      token: form.get('refresh_token') ?? '',
      ok: answer.ok,
      successor: reply.refresh_token ?? null,
    })
    const rotations = new Set(spent.filter(({ ok }) => ok).map(({ successor }) => successor)).size
    if (rotations >= refreshes) done = true
    const kill = (when: keyof typeof kills) => {
      if (children.get(Number(pid))?.kill('SIGKILL')) kills[when]++
    }
    const fate = random.fraction()
    if (fate < 0.05) return kill('reply')
    if (fate < 0.15) setTimeout(() => kill('save'), random.fraction() * 8)
    outgoing.writeHead(answer.status, { 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const token = `http://127.0.0.1:${(relay.address() as AddressInfo).port}/token`

  const plain = way !== 'sdk'
  await place.signIn(dir, plain)
  let signingIn: Promise<void> | null = null
  const start = () => {
    const file = join(import.meta.dirname, 'rotating-process.ts')
    const args = [file, way, place.issuer, token, dir, place.account]
    const child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
      env: { ...process.env, CLIENT_ID: place.clientId },
    })
    children.set(child.pid ?? 0, child)
    child.stdin?.on('error', () => {})
    createInterface(child.stdout).on('line', async () => {
      // Several of them find the same death: one sign-in helps all.
      signingIn ??= (async () => {
        signIns++
        await place.signIn(dir, plain)
        for (const one of children.values()) one.stdin?.write('go on\n')
        signingIn = null
      })()
      await signingIn
      child.stdin?.write('go on\n')
    })
    child.on('exit', () => {
      children.delete(child.pid ?? 0)
      if (!done) start()
    })
  }
  for (let n = 0; n < processes; n++) start()
  const limit = Date.now() + Number(process.env.LIMIT_MS ?? 200_000)
  while (!done && Date.now() < limit) await new Promise((resolve) => setTimeout(resolve, 50))
  done = true
  for (const child of children.values()) child.kill('SIGKILL')
  while (children.size > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  relay.close()
  relay.closeAllConnections()
  rmSync(dir, { recursive: true })

  const successors = new Map<string, Set<string | null>>()
  for (const { token, ok, successor } of spent) {
    if (!ok) continue
    successors.set(token, (successors.get(token) ?? new Set()).add(successor))
  }
  const okay = spent.filter(({ ok }) => ok).length
  const rotations = [...successors.values()].reduce((sum, set) => sum + set.size, 0)
  return {
    refreshes: rotations,
    seconds: round((performance.now() - began) / 1_000),
    kills,
    forced_sign_ins: signIns,
    forced_sign_ins_per_1000: round((signIns / rotations) * 1_000),
    requests: spent.length,
    refused: spent.length - okay,
    replays_answered: okay - rotations,
    redemptions_per_generation_max: Math.max(
      0,
      ...[...successors.values()].map(({ size }) => size),
    ),
  }
}

const arms: Record<string, [string, () => Promise<Place>]> = {
  'this SDK, Latchkey': ['sdk', latchkey],
  'this SDK, strict, replay window': ['sdk', () => fake(30)],
  'this SDK, strict, no window': ['sdk', () => fake(0)],
  'this SDK, node-oidc-provider, no window': ['sdk', oidcProvider],
  'proper-lockfile, strict, no window': ['proper-lockfile', () => fake(0)],
  'guarded reload without a lock, strict, no window': ['guarded', () => fake(0)],
  'single flight in the process, strict, no window': ['single-flight', () => fake(0)],
}
const file = join(import.meta.dirname, 'results', 'rotation-kills.json')
// In pieces (ONLY), what was found before stays.
const results: Record<string, object> =
  only && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).results : {}
for (const [name, [way, at]] of Object.entries(arms)) {
  if (only && !name.includes(only)) continue
  if (way === 'proper-lockfile') baseline('proper-lockfile')
  const place = await at()
  results[name] = await run(way, place)
  await place.close()
  console.log(name, JSON.stringify(results[name]))
}
keep(
  'rotation-kills',
  {
    'oidc-provider': versionOf(join(import.meta.dirname, '../../node_modules/oidc-provider')),
    'proper-lockfile': versionOf(baseline('proper-lockfile')),
  },
  {
    wanted: { processes, refreshes, killed_before_the_reply: 0.05, killed_around_the_save: 0.1 },
    results,
  },
)
process.exit(0)
