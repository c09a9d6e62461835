import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { type Clock, second } from '#platform/clock/clock.ts'
import type { Random } from '#platform/ids/ids.ts'
import type { OAuthApp } from '../apps/app.ts'
import type { SigningKey } from '../signing/signing-keys.ts'
import type { LogoutNotice } from './delivery.ts'

/** Long enough for a slow network; the next attempt brings a token of its own. */
const lifeSeconds = 120

export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * A logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4), signed as the app has its ID
 * tokens. `typ` tells it from them, and it never has a `nonce`. Each has its own `jti`: an app that
 * has seen the one whose answer was lost does not take the next for a replay.
 */
export function logoutToken(
  notice: LogoutNotice,
  app: Pick<OAuthApp, 'clientId' | 'idTokenAlg'>,
  deps: { issuer: string; keys: readonly SigningKey[]; clock: Clock; random: Random },
): string {
  const key = deps.keys.find(({ alg }) => alg === app.idTokenAlg)
  if (!key) throw new Error(`no ${app.idTokenAlg} signing key`)
  const now = Math.floor(deps.clock.now() / second)
  const header = { alg: key.alg, typ: 'logout+jwt', kid: key.kid }
  const claims = {
    iss: deps.issuer,
    aud: app.clientId,
    iat: now,
    exp: now + lifeSeconds,
    jti: deps.random.bytes(16).toString('base64url'),
    sub: notice.accountId,
    sid: notice.sessionId,
    events: { [logoutEvent]: {} },
  }
  const signed = `${encode(header)}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(signed), {
    key: privateKeyOf(key),
    dsaEncoding: 'ieee-p1363', // for ES256; RS256 does not look at it
  })
  return `${signed}.${signature.toString('base64url')}`
}

const privateKeys = new WeakMap<SigningKey, KeyObject>()

function privateKeyOf(key: SigningKey): KeyObject {
  const known = privateKeys.get(key)
  if (known) return known
  const made = createPrivateKey({ key: key.privateJwk, format: 'jwk' })
  privateKeys.set(key, made)
  return made
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
