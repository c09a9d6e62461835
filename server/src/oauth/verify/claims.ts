import { isUtf8 } from 'node:buffer'
import type { AccessToken } from '../access-token.ts'
import { scopeList } from '../scopes.ts'

export type ParsedAccessToken = {
  kid: string
  issuer: string
  issuedAt: number
  notBefore: number
  token: AccessToken
  signed: Buffer
  signature: Buffer
}

const part = /^[A-Za-z0-9_-]+$/

/**
 * Reads the form of an RFC 9068 token without believing it; null for anything else. The header says
 * exactly what ours say: `alg` ES256, `typ` at+jwt, a `kid`. Members that would let a token choose
 * its own key or meaning (`jwk`, `jku`, `x5u`, `x5c`, `crit`, `b64`) are refused, as are repeated
 * members, which parsers read differently (RFC 8725 sections 3.1 to 3.3 and 3.11).
 */
export function readAccessToken(text: string): ParsedAccessToken | null {
  const parts = text.split('.')
  const [head, body, tail] = parts
  if (parts.length !== 3 || !head || !body || !tail) return null
  if (!part.test(head) || !part.test(body) || !part.test(tail)) return null
  const header = readObject(head)
  const claims = readObject(body)
  const signature = decode(tail)
  if (!header || !claims || signature?.length !== 64) return null
  if (Object.keys(header).sort().join() !== 'alg,kid,typ') return null
  if (header.alg !== 'ES256' || header.typ !== 'at+jwt' || typeof header.kid !== 'string')
    return null

  const {
    iss,
    aud,
    sub,
    exp,
    iat,
    nbf,
    client_id,
    scope,
    sid,
    grant_id,
    org_id,
    epoch,
    act_for,
    cnf,
  } = claims
  if (!isText(iss) || !isText(aud) || !isText(sub) || !isText(client_id) || !isText(org_id))
    return null
  if (!isTime(exp) || !isTime(iat) || !(nbf === undefined || isTime(nbf))) return null
  if (!isTime(epoch) || !(scope === undefined || typeof scope === 'string')) return null
  // A token of a person names session and grant; one of an app alone names who answers for it.
  const ofPerson = isText(sid) && isText(grant_id) && act_for === undefined
  const ofApp = sid === undefined && grant_id === undefined && isText(act_for) && sub === client_id
  if (!ofPerson && !ofApp) return null
  const jkt = cnf === undefined ? null : thumbprintOf(cnf)
  if (jkt === undefined) return null
  return {
    kid: header.kid,
    issuer: iss,
    issuedAt: iat * 1_000,
    notBefore: (nbf ?? 0) * 1_000,
    token: {
      accountId: ofApp ? act_for : sub,
      clientId: client_id,
      organizationId: org_id,
      grantId: ofPerson ? grant_id : null,
      sessionId: ofPerson ? sid : null,
      scopes: scopeList(scope),
      audience: aud,
      epoch,
      jkt,
      expiresAt: exp * 1_000,
    },
    signed: Buffer.from(`${head}.${body}`),
    signature,
  }
}

/** RFC 9449 section 6.1. Bound in a way that we do not know means: not for us (RFC 7800 section 3.1). */
function thumbprintOf(cnf: unknown): string | undefined {
  if (typeof cnf !== 'object' || cnf === null || Object.keys(cnf).join() !== 'jkt') return undefined
  const { jkt } = cnf as { jkt: unknown }
  return typeof jkt === 'string' && jkt.length === 43 && part.test(jkt) ? jkt : undefined
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 512
const isTime = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

/** Base64url in its one canonical form: other spellings of the same bytes are another token. */
function decode(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

function readObject(text: string): Record<string, unknown> | null {
  const bytes = decode(text)
  if (!bytes || !isUtf8(bytes)) return null
  const json = bytes.toString('utf8')
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    if (Object.hasOwn(value, '__proto__')) return null
    // Ours are flat and written by JSON.stringify: whoever repeats a member does not come back alike.
    return JSON.stringify(value) === json ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
