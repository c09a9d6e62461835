import type { OAuthApp } from '../../api/schema.ts'

/** A working sign-in with openid-client; the secret comes from the environment, never from the page. */
export function signInSnippet(app: OAuthApp, origin: string): string {
  const authentication = {
    none: 'oidc.None()',
    client_secret_basic: 'oidc.ClientSecretBasic(process.env.CLIENT_SECRET)',
    client_secret_post: 'oidc.ClientSecretPost(process.env.CLIENT_SECRET)',
    private_key_jwt: 'oidc.PrivateKeyJwt(privateKey)', // a CryptoKey, or { key, kid }
  }[app.token_endpoint_auth_method]
  const plainHttp = origin.startsWith('http://')
    ? ',\n  { execute: [oidc.allowInsecureRequests] }' // development only; the library insists on https
    : ''
  const discover = `const config = await oidc.discovery(
  new URL('${origin}'), '${app.client_id}', undefined,
  ${authentication}${plainHttp})`
  if (
    !app.grant_types.includes('authorization_code') &&
    app.grant_types.includes('urn:ietf:params:oauth:grant-type:device_code')
  )
    return `import * as oidc from 'openid-client'

${discover}
const device = await oidc.initiateDeviceAuthorization(config, { scope: '${app.scope}' })
console.log('Open', device.verification_uri, 'and enter', device.user_code)
const tokens = await oidc.pollDeviceAuthorizationGrant(config, device)
console.log(tokens.access_token)`
  if (!app.grant_types.includes('authorization_code'))
    return `import * as oidc from 'openid-client'

${discover}
const tokens = await oidc.clientCredentialsGrant(config, { scope: '${app.scope}' })
console.log(tokens.access_token)`
  return `import * as oidc from 'openid-client'

${discover}
const verifier = oidc.randomPKCECodeVerifier()
const state = oidc.randomState()
const url = oidc.buildAuthorizationUrl(config, {
  redirect_uri: '${app.redirect_uris[0] ?? ''}',
  scope: '${app.scope}',
  state,
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
// send the person to url; when they come back to callbackUrl:
const tokens = await oidc.authorizationCodeGrant(config, callbackUrl, {
  pkceCodeVerifier: verifier, expectedState: state,
})`
}
