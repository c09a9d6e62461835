import assert from 'node:assert/strict'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { House } from './house.ts'
import { discover, type RegisteredApp, registerApp, signIn } from './oauth-browser.ts'
import { type Person, signedUp } from './person.ts'

export type TokenAnswer = {
  status: number
  access_token?: string
  refresh_token?: string
  expires_in?: number
  error?: string
  reason?: string
}

/** What becomes of the answer: it arrives, or the connection is cut before or when it begins. */
export type Fate = 'arrives' | 'lost at its head' | { cutAfterMs: number }

/** A person with two apps; families are begun by signing in to the first. */
export type Household = {
  house: House
  person: Person
  app: RegisteredApp
  stranger: RegisteredApp
}

export async function moveIn(house: House): Promise<Household> {
  const { person } = await signedUp(house.origin)
  const app = await registerApp(person)
  const stranger = await registerApp(person, { name: 'Stranger' })
  return { house, person, app, stranger }
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
    },
  ): Promise<TokenAnswer | null>
  revoke(token: string, address: string): Promise<void>
  /** As if the grace window of everything rotated so far had passed. */
  windowEnds(): Promise<void>
  stored(): Promise<{ living: number; used: number; revoked: boolean; reuseSeen: number }>
}

let families = 0

export async function begin({ house, person, app }: Household): Promise<Family> {
  // With an ID token the engine answers, without one our own code does: both are raced.
  const scope = `offline_access models:read chat:write${families++ % 2 === 0 ? '' : ' openid'}`
  const tokens = await signIn(await discover(house.origin, app), person, { scope })
  const [grant] = await house.sql<{ id: string }>(
    'select id from oauth_grants order by created_at desc, id desc limit 1',
  )
  const grantId = grant?.id ?? ''
  assert.match(grantId, /^[\w-]+$/)
  const form = (fields: Record<string, string>, client: RegisteredApp) =>
    new URLSearchParams({
      client_id: client.client_id,
      client_secret: client.client_secret ?? '',
      ...fields,
    }).toString()
  const anywhere = house.addresses[0] ?? ''
  return {
    first: tokens.refresh_token ?? '',
    grantId,
    refresh: (token, options = {}) =>
      post(
        `${options.address ?? anywhere}/oauth/token`,
        form(
          { grant_type: 'refresh_token', refresh_token: token, ...options.form },
          options.client ?? app,
        ),
        options.fate ?? 'arrives',
      ),
    async revoke(token, address) {
      const answer = await post(`${address}/oauth/revoke`, form({ token }, app), 'arrives')
      assert.equal(answer?.status, 200)
    },
    async windowEnds() {
      await house.sql(
        `update oauth_artifacts set expires_at = 1 where model = 'RefreshReplay' and grant_id = '${grantId}'`,
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
function post(url: string, body: string, fate: Fate): Promise<TokenAnswer | null> {
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
          resolve({ status: response.statusCode ?? 0, ...(JSON.parse(text) as object) }),
        )
      },
    )
    request.on('error', lost)
    request.on('close', lost)
    request.end(body)
    if (typeof fate === 'object') void sleep(fate.cutAfterMs).then(() => request.destroy())
  })
}
