import assert from 'node:assert/strict'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { askWithProof, type KeyHolder } from './dpop.ts'
import type { House } from './house.ts'
import {
  attempt,
  authorize,
  codeGrant,
  discover,
  type RegisteredApp,
  registerApp,
} from './oauth-browser.ts'
import { type Person, signedUp } from './person.ts'

export type TokenAnswer = {
  status: number
  access_token?: string
  refresh_token?: string
  token_type?: string
  /** For the next proof. */
  nonce: string | null
  expires_in?: number
  error?: string
  reason?: string
}

/** What becomes of the answer: it arrives, or the connection is cut before or when it begins. */
export type Fate = 'arrives' | 'lost at its head' | { cutAfterMs: number }

/** A person with apps; families are begun by signing in to `app`, or to `publicApp`. */
export type Household = {
  house: House
  person: Person
  app: RegisteredApp
  publicApp: RegisteredApp
  stranger: RegisteredApp
}

export async function moveIn(house: House): Promise<Household> {
  const { person } = await signedUp(house.origin)
  const app = await registerApp(person, { token_endpoint_auth_method: 'client_secret_post' })
  const publicApp = await registerApp(person, {
    name: 'Public App',
    token_endpoint_auth_method: 'none',
  })
  const stranger = await registerApp(person, {
    name: 'Stranger',
    token_endpoint_auth_method: 'client_secret_post',
  })
  return { house, person, app, publicApp, stranger }
}

export type Family = {
  first: string
  grantId: string
  /** Null when the answer was lost. */
  refresh(
    token: string,
    options?: {
      address?: string
      fate?: Fate
      form?: Record<string, string>
      client?: RegisteredApp
      /** Who proves to hold a key; null: nobody. Whoever began the family, unless said otherwise. */
      by?: KeyHolder | null
    },
  ): Promise<TokenAnswer | null>
  revoke(token: string, address: string): Promise<void>
  /** As if the grace window of everything rotated so far had passed. */
  windowEnds(): Promise<void>
  stored(): Promise<{ living: number; used: number; revoked: boolean; reuseSeen: number }>
}

let families = 0

export async function begin(
  { house, person, ...apps }: Household,
  { app = apps.app, holder = null }: { app?: RegisteredApp; holder?: KeyHolder | null } = {},
): Promise<Family> {
  // With an ID token the engine answers, without one our own code does: both are raced.
  const scope = `offline_access models:read chat:write${families++ % 2 === 0 ? '' : ' openid'}`
  const started = await attempt(await discover(house.origin, app), { scope })
  const back = await authorize(person, started.url)
  const credentials = (client: RegisteredApp) => ({
    client_id: client.client_id,
    ...(client.client_secret ? { client_secret: client.client_secret } : {}),
  })
  const tokens = await askWithProof(house.origin, holder, {
    ...credentials(app),
    ...codeGrant(back, started),
  })
  assert.equal(tokens.status, 200)
  const [grant] = await house.sql<{ id: string }>(
    'select id from oauth_grants order by created_at desc, id desc limit 1',
  )
  const grantId = grant?.id ?? ''
  assert.match(grantId, /^[\w-]+$/)
  const form = (fields: Record<string, string>, client: RegisteredApp) =>
    new URLSearchParams({ ...credentials(client), ...fields }).toString()
  const tokenUrl = `${house.origin}/oauth/token`
  let { nonce } = tokens
  const anywhere = house.addresses[0] ?? ''
  return {
    first: tokens.refresh_token ?? '',
    grantId,
    async refresh(token, options = {}) {
      const by = options.by === undefined ? holder : options.by
      const ask = () =>
        post(
          `${options.address ?? anywhere}/oauth/token`,
          form(
            { grant_type: 'refresh_token', refresh_token: token, ...options.form },
            options.client ?? app,
          ),
          options.fate ?? 'arrives',
          by?.prove('POST', tokenUrl, { nonce }),
        )
      const answer = await ask()
      if (answer?.error !== 'use_dpop_nonce') return answer
      nonce = answer.nonce
      return ask()
    },
    async revoke(token, address) {
      const answer = await post(`${address}/oauth/revoke`, form({ token }, app), 'arrives')
      assert.equal(answer?.status, 200)
    },
    async windowEnds() {
      await house.sql(
        `update oauth_artifacts set replay_until = 1 where replay_until is not null and grant_id = '${grantId}'`,
      )
    },
    async stored() {
      const tokens = await house.sql<{ consumed_at: number | null }>(
        `select consumed_at from oauth_artifacts where model = 'RefreshToken' and grant_id = '${grantId}'`,
      )
      const [row] = await house.sql<{ revoked_at: number | null }>(
        `select revoked_at from oauth_grants where id = '${grantId}'`,
      )
      const seen = await house.sql(
        `select 1 from audit_events where action = 'grant.reuse_detected' and subject_id = '${grantId}'`,
      )
      const living = tokens.filter(({ consumed_at }) => consumed_at === null).length
      return {
        living,
        used: tokens.length - living,
        revoked: row?.revoked_at !== null,
        reuseSeen: seen.length,
      }
    },
  }
}

/** One exchange on a connection of its own. A connection that the server drops is a lost answer. */
function post(url: string, body: string, fate: Fate, proof?: string): Promise<TokenAnswer | null> {
  return new Promise((resolve) => {
    const lost = () => resolve(null)
    const request = http.request(
      url,
      {
        method: 'POST',
        agent: false,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
          ...(proof === undefined ? {} : { dpop: proof }),
        },
      },
      (response) => {
        if (fate === 'lost at its head') return void request.destroy()
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', lost)
        response.on('close', lost)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            nonce: String(response.headers['dpop-nonce'] ?? '') || null,
            ...(JSON.parse(text) as object),
          }),
        )
      },
    )
    request.on('error', lost)
    request.on('close', lost)
    request.end(body)
    if (typeof fate === 'object') void sleep(fate.cutAfterMs).then(() => request.destroy())
  })
}
