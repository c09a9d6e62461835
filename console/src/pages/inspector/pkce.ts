import type { Held } from './requests.ts'

const random = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)))

/** What an app makes up for one sign-in: `state`, `nonce`, verifier and challenge (RFC 7636 section 4). */
export async function freshAttempt(): Promise<
  Pick<Held, 'state' | 'nonce' | 'verifier' | 'challenge'>
> {
  const verifier = random()
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  return {
    state: random(),
    nonce: random(),
    verifier,
    challenge: base64url(new Uint8Array(digest)),
  }
}

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
