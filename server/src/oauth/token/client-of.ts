import type { OAuthApp } from '../apps/app.ts'
import type { Apps } from '../apps/apps.ts'

/**
 * The client that has proven itself by the one way it is registered for (RFC 6749 section 2.3), or
 * null: unknown, another way, two ways at once, or a wrong secret.
 */
export async function authenticatedClient(
  apps: Pick<Apps, 'lookUp' | 'checkSecret'>,
  form: URLSearchParams,
  authorization: string | undefined,
): Promise<OAuthApp | null> {
  const [named, secret] = [form.get('client_id'), form.get('client_secret')]
  const basic = authorization === undefined ? null : basicOf(authorization)
  if (authorization !== undefined && (!basic || secret !== null)) return null
  if (basic && named !== null && named !== basic.id) return null
  const id = basic?.id ?? named
  const app = id ? await apps.lookUp(id) : null
  switch (app?.authMethod) {
    case 'none':
      return basic || secret !== null ? null : app
    case 'client_secret_post':
      return !basic && secret && apps.checkSecret(app, secret) ? app : null
    case 'client_secret_basic':
      return basic && apps.checkSecret(app, basic.secret) ? app : null
    default:
      return null
  }
}

/** RFC 6749 section 2.3.1: both halves are form-encoded. */
function basicOf(header: string): { id: string; secret: string } | null {
  const encoded = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1]
  if (encoded === undefined) return null
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  const at = pair.indexOf(':')
  if (at === -1) return null
  try {
    const [id = '', secret = ''] = [pair.slice(0, at), pair.slice(at + 1)].map((half) =>
      decodeURIComponent(half.replaceAll('+', '%20')),
    )
    return id && secret ? { id, secret } : null
  } catch {
    return null // a stray per cent sign
  }
}
