import assert from 'node:assert/strict'
import { type RegisteredApp, registerApp } from './oauth-browser.ts'
import { type Person, signedUp } from './person.ts'
import type { TestServer } from './server.ts'

export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code'
export const deviceScope = 'openid email offline_access models:read'

export type Started = {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}
export type Polled = {
  status: number
  error?: string
  reason?: string
  access_token?: string
  refresh_token?: string
  id_token?: string
}

export const registerBox = (person: Person, settings: object = {}): Promise<RegisteredApp> =>
  registerApp(person, {
    name: 'Living-room box',
    redirect_uris: [],
    grant_types: [deviceGrantType, 'refresh_token'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    scope: deviceScope,
    ...settings,
  })

export async function box(server: TestServer, settings: object = {}) {
  const owner = await signedUp(server.origin)
  const app = await registerBox(owner.person, settings)
  const user = await signedUp(server.origin)
  return { owner, app, user, started: await start(server, app) }
}

export async function start(
  server: TestServer,
  app: RegisteredApp,
  headers: Record<string, string> = {},
): Promise<Started> {
  const response = await fetch(`${server.origin}/oauth/device`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ client_id: app.client_id, scope: app.scope }),
  })
  assert.equal(response.status, 200)
  return (await response.json()) as Started
}

export const poll = (
  server: TestServer,
  app: RegisteredApp,
  code: string,
  headers: Record<string, string> = {},
): Promise<Polled> => ask(server, app, { grant_type: deviceGrantType, device_code: code }, headers)

async function ask(
  server: TestServer,
  app: RegisteredApp,
  grant: Record<string, string>,
  headers: Record<string, string>,
): Promise<Polled> {
  const response = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ client_id: app.client_id, ...grant }),
  })
  return { status: response.status, ...((await response.json()) as object) }
}

/** Types the code a device shows. */
export const enter = (person: Person, user_code: string) =>
  person.post<{ code?: string; client?: { name: string } }>('/api/oauth/device/claim', {
    user_code,
  })
export const answer = (
  person: Person,
  user_code: string,
  decision: 'allow' | 'deny',
  more: { end_device_id?: string | undefined } = {},
) =>
  person.post<{ code?: string; devices?: { id: string; name: string }[] }>(
    '/api/oauth/device/decision',
    { user_code, decision, ...more },
  )

/** The whole flow: a device of `app` that `person` allows, with its tokens. */
export async function connected(
  server: TestServer,
  app: RegisteredApp,
  person: Person,
  headers: Record<string, string> = {},
) {
  const { user_code, device_code } = await start(server, app, headers)
  assert.equal((await enter(person, user_code)).status, 200)
  assert.equal((await answer(person, user_code, 'allow')).status, 204)
  const polled = await poll(server, app, device_code, headers)
  const { status, access_token = '', refresh_token = '' } = polled
  assert.equal(status, 200)
  return { access_token, refresh_token }
}

export const renew = (
  server: TestServer,
  app: RegisteredApp,
  refresh_token: string,
  headers: Record<string, string> = {},
): Promise<Polled> => ask(server, app, { grant_type: 'refresh_token', refresh_token }, headers)
