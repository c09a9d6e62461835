import type { OAuthApp } from '../../api/queries.ts'

/** A working sign-in with openid-client; the secret comes from the environment, never from the page. */
export function tenLines(app: OAuthApp, origin: string): string {
  const secret = app.token_endpoint_auth_method === 'none' ? '' : ', process.env.CLIENT_SECRET'
  const insecure = origin.startsWith('http://')
  const options = insecure
    ? `${secret === '' ? ', undefined' : secret}, undefined, { execute: [oidc.allowInsecureRequests] }`
    : secret
  const discover = `const config = await oidc.discovery(new URL('${origin}'), '${app.client_id}'${options})`
  if (!app.grant_types.includes('authorization_code'))
    return `import * as oidc from 'openid-client'

${discover}
const tokens = await oidc.clientCredentialsGrant(config, { scope: '${app.scope}' })
console.log(tokens.access_token)`
  return `import * as oidc from 'openid-client'

${discover}
const verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState()
const url = oidc.buildAuthorizationUrl(config, {
  redirect_uri: '${app.redirect_uris[0] ?? ''}', scope: '${app.scope}', state,
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
})
// send the person to url; when they come back to callbackUrl:
const tokens = await oidc.authorizationCodeGrant(config, callbackUrl, {
  pkceCodeVerifier: verifier, expectedState: state,
})`
}
