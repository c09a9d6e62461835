import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { type CredentialStore, createAuth, discover } from '../../sdk/src/index.ts'
import { person } from '../../sdk/src/sign-in/person.fixture.ts'
import { authorize, callback, registerApp } from '../../test/harness/oauth-browser.ts'
import { signedUp } from '../../test/harness/person.ts'
import { startServer } from '../../test/harness/server.ts'

/** Where a sign-in is: what processes are pointed at, and how somebody signs in (again). */
export type Place = {
  issuer: string
  token: string
  clientId: string
  account: string
  signIn(store: CredentialStore): Promise<void>
  close(): Promise<void>
}

/** node-oidc-provider, refresh tokens good for one use: a second one ends the family, at once. */
export async function oidcProvider(): Promise<Place> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { warn, info } = console
  console.warn = console.info = () => {} // its hints about production, some of them at first use
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
  server.on('request', provider.callback())
  return {
    issuer,
    token: `${issuer}/token`,
    clientId: 'app',
    account: 'default',
    async signIn(store) {
      const auth = createAuth({
        provider: discover(issuer),
        clientId: 'app',
        scopes: ['openid', 'offline_access'],
        store,
        refresh: { background: false },
      })
      const { url, transaction } = await auth.beginSignIn({ redirectUri: callback })
      await auth.finishSignIn(transaction, (await person(url.href, callback)).url)
      await auth.close()
    },
    async close() {
      Object.assign(console, { warn, info })
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Latchkey whole, on SQLite, with its replay window as it comes: 30 seconds. */
export async function latchkey(): Promise<Place> {
  const server = await startServer()
  const { person, accountId } = await signedUp(server.origin)
  const app = await registerApp(person, { token_endpoint_auth_method: 'none' })
  return {
    issuer: server.origin,
    token: `${server.origin}/oauth/token`,
    clientId: app.client_id,
    account: accountId,
    async signIn(store) {
      const auth = createAuth({
        provider: discover(server.origin),
        clientId: app.client_id,
        scopes: ['openid', 'offline_access', 'models:read'],
        store,
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
