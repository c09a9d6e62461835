import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callback, registerApp } from '../../test/harness/oauth-browser.ts'
import { type Person, signedUp } from '../../test/harness/person.ts'
import { untilUp } from '../gateway/latchkey.ts'
import { cpuSeconds, freePort, start } from '../gateway/processes.ts'
import { someAddress } from './load.ts'

/** One server under test, started on core 0. */
export type Contestant = {
  name: string
  pid: number
  token: string
  introspect: string
  /** Form fields that authenticate the client. */
  client: string
  /** Codes that may be redeemed now, each once. */
  codes(count: number): Promise<string[]>
  /** One living refresh token a connection. */
  chains: string[]
}

export const scope = 'offline_access models:read chat:write'
export const verifier = 'bench-'.repeat(8)
export const challenge = Buffer.from(
  await crypto.subtle.digest('SHA-256', Buffer.from(verifier)),
).toString('base64url')

export async function bareProvider(chains: number): Promise<Contestant> {
  const port = await freePort()
  const pid = start(0, [process.execPath, join(import.meta.dirname, 'bare-provider.ts')], {
    PORT: String(port),
    CHALLENGE: challenge,
  })
  const origin = `http://127.0.0.1:${port}`
  await untilUp(`${origin}/jwks`)
  const mint = async (count: number) =>
    (await (await fetch(`${origin}/mint?${count}`)).json()) as {
      codes: string[]
      refreshTokens: string[]
    }
  return {
    name: 'node-oidc-provider alone, in memory',
    pid,
    token: `${origin}/token`,
    introspect: `${origin}/token/introspection`,
    client: `client_id=bench&client_secret=${'s'.repeat(43)}`,
    codes: async (count) => (await mint(count)).codes,
    chains: (await mint(chains)).refreshTokens,
  }
}

/** The server as `npm start` runs it, on SQLite with every commit on disk, and a person signed in. */
export async function latchkey(
  chains: number,
): Promise<Contestant & { roundTrip(): Promise<{ code: string }> }> {
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const main = join(import.meta.dirname, '../../server/src/main.ts')
  // As `npm start` runs it.
  const flags = (process.env.NODE_FLAGS ?? '--min-semi-space-size=32 --max-semi-space-size=32')
    .split(' ')
    .filter(Boolean)
  const pid = start(0, [process.execPath, ...flags, main], {
    LATCHKEY_ORIGIN: origin,
    LATCHKEY_DATA_DIR: mkdtempSync(join(tmpdir(), 'latchkey-bench-')),
    LATCHKEY_LOG_LEVEL: 'warn',
    LATCHKEY_TRUSTED_PROXIES: '127.0.0.1,::1',
  })
  await untilUp(`${origin}/readyz`)
  const { person } = await signedUp(origin)
  const app = await registerApp(person, {
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope,
  })
  const client = `client_id=${app.client_id}&client_secret=${app.client_secret}`
  const start_ = `${origin}/oauth/authorize?${new URLSearchParams({
    client_id: app.client_id,
    response_type: 'code',
    redirect_uri: callback,
    scope,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })}`
  await person.request('GET', start_)
  await consent(person, start_)
  const roundTrip = async () => ({ code: await codeFor(person, start_) })
  const redeem = async (code: string) => {
    const response = await fetch(`${origin}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `${client}&${codeForm(code)}`,
    })
    return ((await response.json()) as { refresh_token: string }).refresh_token
  }
  const living: string[] = []
  for (let i = 0; i < chains; i++) living.push(await redeem((await roundTrip()).code))
  return {
    name: 'Latchkey, SQLite, every commit on disk',
    pid,
    token: `${origin}/oauth/token`,
    introspect: `${origin}/oauth/introspect`,
    client,
    async codes(count) {
      const made: string[] = []
      for (let i = 0; i < count; i++) made.push((await roundTrip()).code)
      return made
    },
    chains: living,
    roundTrip,
  }
}

export const codeForm = (code: string) =>
  `grant_type=authorization_code&code=${encodeURIComponent(code)}&code_verifier=${verifier}&redirect_uri=${encodeURIComponent(callback)}`

export const cpuOf = (contestant: { pid: number }) => cpuSeconds(contestant.pid)

/** The browser's two requests: from another site to the bounce page, and from there on to the client. */
async function onward(person: Person, url: string): Promise<string> {
  const address = { 'x-forwarded-for': someAddress() }
  const bounce = await person.get<string>(url, { ...address, 'sec-fetch-site': 'cross-site' })
  const target = /content="0;url=([^"]+)"/.exec(bounce.body)?.[1]
  if (!target) throw new Error(`no bounce page: ${bounce.status} ${bounce.body}`)
  const answer = await person.get(target, { ...address, 'sec-fetch-site': 'same-origin' })
  return answer.headers.get('location') ?? ''
}

async function consent(person: Person, url: string): Promise<void> {
  const tx = /tx=(.+)$/.exec(await onward(person, url))?.[1]
  const { redirect_to } = await person.expect<{ redirect_to: string }>(
    200,
    'POST',
    `/api/oauth/transactions/${tx}/decision`,
    { decision: 'allow' },
  )
  await person.get(redirect_to, { 'sec-fetch-site': 'same-origin' })
}

async function codeFor(person: Person, url: string): Promise<string> {
  const code = new URL(await onward(person, url)).searchParams.get('code')
  if (!code) throw new Error('no code at the client')
  return code
}
