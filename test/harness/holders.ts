import assert from 'node:assert/strict'
import { poll, registerBox, start } from './device-box.ts'
import { discover, type RegisteredApp, registerApp, signIn } from './oauth-browser.ts'
import { Person, signedUp } from './person.ts'
import type { TestServer } from './server.ts'

const gatewayScope = 'openid email offline_access models:read chat:write'

/** A device of an account, with the app that was allowed on it. */
export type Holder = {
  name: 'laptop' | 'phone' | 'box'
  app: RegisteredApp
  access: string
  refresh: string
  /** Its browser; a box has none. */
  browser: Person | null
  deviceId: string
}

export type Apps = { web: RegisteredApp; box: RegisteredApp }

export async function appsFor(origin: string): Promise<Apps & { maker: Person }> {
  const { person: maker } = await signedUp(origin)
  return {
    maker,
    web: await registerApp(maker, { token_endpoint_auth_method: 'client_secret_post' }),
    box: await registerBox(maker, { scope: gatewayScope }),
  }
}

/** An account with two browsers and a box that was let in by its code; each holds tokens of an app. */
export async function householdOf(node: TestServer, apps: Apps) {
  const { person, email, password, accountId } = await signedUp(node.origin)
  const phone = new Person(node.origin)
  await phone.expect(201, 'POST', '/api/sessions', { email, password })
  const config = await discover(node.origin, apps.web)
  const inBrowser = async (name: Holder['name'], browser: Person): Promise<Holder> => {
    const tokens = await signIn(config, browser, { scope: gatewayScope })
    const { access_token: access, refresh_token: refresh = '' } = tokens
    const deviceId = (await devicesOf(browser)).find(({ current }) => current)?.id ?? ''
    return { name, app: apps.web, access, refresh, browser, deviceId }
  }
  const laptop = await inBrowser('laptop', person)
  const handy = await inBrowser('phone', phone)
  const allowed = await allowedBox(node, apps.box, person)
  const polled = await poll(node, apps.box, allowed.device_code)
  assert.equal(polled.status, 200)
  const { access_token: access = '', refresh_token: refresh = '' } = polled
  const deviceId = (await devicesOf(person)).find(({ kind }) => kind === 'app')?.id ?? ''
  const box: Holder = { name: 'box', app: apps.box, access, refresh, browser: null, deviceId }
  return { laptop, phone: handy, box, email, password, accountId }
}

/** A box whose code `person` has allowed, and that has not asked again yet. */
export async function allowedBox(node: TestServer, app: RegisteredApp, person: Person) {
  const started = await start(node, app)
  const { user_code } = started
  await person.expect(200, 'POST', '/api/oauth/device/claim', { user_code })
  await person.expect(204, 'POST', '/api/oauth/device/decision', { user_code, decision: 'allow' })
  return started
}

export const devicesOf = async (person: Person) =>
  (
    await person.expect<{ items: { id: string; kind: string; current: boolean }[] }>(
      200,
      'GET',
      '/api/devices',
    )
  ).items

const credentials = (app: RegisteredApp) => ({
  client_id: app.client_id,
  ...(app.client_secret ? { client_secret: app.client_secret } : {}),
})

const post = async (url: string, form: Record<string, string>) => {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  return (await answer.json()) as Record<string, string | boolean | undefined>
}

/** What this node says to everything that the holder has, in words that can be compared. */
export const atNode = (address: string) => ({
  async gateway({ access }: Holder): Promise<string> {
    const answer = await fetch(`${address}/v1/models`, {
      headers: { authorization: `Bearer ${access}` },
    })
    const body = (await answer.json()) as { error?: { code: string } }
    return body.error ? `${answer.status} ${body.error.code}` : 'good'
  },
  async userinfo({ access }: Holder): Promise<string> {
    const answer = await fetch(`${address}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${access}` },
    })
    await answer.body?.cancel()
    return answer.ok ? 'good' : String(answer.status)
  },
  async introspection({ access, app }: Holder): Promise<string> {
    const form = { token: access, ...credentials(app) }
    return (await post(`${address}/oauth/introspect`, form)).active ? 'good' : 'inactive'
  },
  /** Renews with it, so that a good one has to be replaced by what comes back. */
  async refresh(holder: Holder): Promise<string> {
    const { error, reason, revoked_because, refresh_token } = await post(`${address}/oauth/token`, {
      grant_type: 'refresh_token',
      refresh_token: holder.refresh,
      ...credentials(holder.app),
    })
    if (error) return [error, reason, revoked_because].join(' ')
    holder.refresh = String(refresh_token)
    return 'good'
  },
  async session({ browser }: Holder): Promise<string> {
    if (!browser) return 'good'
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const ask = (path: string) => fetch(`${address}${path}`, { headers: { cookie } })
    const answer = await ask('/api/account')
    await answer.body?.cancel()
    if (answer.ok) return 'good'
    const { signed_out_reason } = (await (await ask('/api/console')).json()) as {
      signed_out_reason: string | null
    }
    return `${answer.status} ${signed_out_reason}`
  },
})

/** A streamed answer that goes on until somebody ends it. */
export async function openStream(address: string, { access }: Holder, model: string) {
  const gone = new AbortController()
  const answer = await fetch(`${address}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
    signal: gone.signal,
  })
  assert.equal(answer.status, 200)
  const seen = { text: '', over: false }
  const read = async () => {
    for await (const part of answer.body ?? []) seen.text += Buffer.from(part).toString()
  }
  void read()
    .catch(() => {})
    .finally(() => {
      seen.over = true
    })
  return { seen, close: () => gone.abort() }
}
