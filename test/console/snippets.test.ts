import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import * as oidc from 'openid-client'
import { snippets } from '../../console/src/pages/api-keys/snippets.ts'
import { signInSnippet } from '../../console/src/pages/apps/sign-in-snippet.ts'
import { createKey } from '../harness/journey.ts'
import { authorize, callback } from '../harness/oauth-browser.ts'
import { type Person, signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

type App = Parameters<typeof signInSnippet>[0] & { client_secret?: string }

const AsyncFunction = (async () => {}).constructor as new (
  ...source: string[]
) => (...given: unknown[]) => Promise<unknown> // what the language calls it has no name of its own

const register = (person: Person, settings: object): Promise<App> =>
  person.expect<App>(201, 'POST', '/api/apps', { name: 'Example App', ...settings })

/** Runs the code that the page shows, unchanged but for the import and the place where a person acts. */
async function run(app: App, origin: string, visit: (url: URL) => Promise<URL>) {
  const code = signInSnippet(app, origin)
    .replace("import * as oidc from 'openid-client'", '')
    .replace(/^\/\/ send the person.*$/m, 'const callbackUrl = await visit(url)')
  const program = new AsyncFunction('oidc', 'process', 'visit', 'console', `${code}\nreturn tokens`)
  const environment = { env: { CLIENT_SECRET: app.client_secret } }
  const tokens = await program(oidc, environment, visit, { log: () => {} })
  return tokens as { access_token: string }
}

test('the lines on an app’s page sign a person in as they stand, for every kind of app', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const scope = 'openid chat:write'
  const kinds = [
    { redirect_uris: [callback], scope, token_endpoint_auth_method: 'client_secret_basic' },
    { redirect_uris: [callback], scope, token_endpoint_auth_method: 'none' },
    { redirect_uris: ['http://127.0.0.1/callback'], scope, application_type: 'native' },
  ]
  for (const settings of kinds) {
    const app = await register(person, settings)
    const { access_token } = await run(app, server.origin, (url) => authorize(person, url))
    assert.ok(access_token, JSON.stringify(settings))
  }
  const service = await register(person, {
    scope: 'chat:write',
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_basic',
  })
  const nobody = () => assert.fail('a program without people sends nobody anywhere')
  assert.ok((await run(service, server.origin, nobody)).access_token)
})

test('the Node snippets on a key’s page answer as they stand, plain and streamed', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const { secret } = await createKey(person)
  for (const stream of [false, true]) {
    const shown = snippets({
      apiBase: `${server.origin}/v1`,
      model: 'latchkey-demo',
      stream,
      key: secret,
    }).find(({ id }) => id === 'node')
    const code = shown?.code.replace("import OpenAI from 'openai'", '') ?? ''
    let said = ''
    const say = (text: string) => {
      said += text
    }
    const program = new AsyncFunction('OpenAI', 'process', 'console', code)
    await program(OpenAI, { stdout: { write: say } }, { log: say })
    assert.match(said, /demo/i)
  }
})
