import type { Held } from './requests.ts'
import { newPageKey } from './signing.ts'

export const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

export const randomText = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)))

export const sha256 = async (text: string): Promise<string> =>
  base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))

/**
 * What an app makes up for one sign-in: `state`, `nonce`, verifier and challenge (RFC 7636 section 4),
 * and the key that its tokens may be bound to.
 */
export async function freshAttempt(): Promise<Held> {
  const verifier = randomText()
  const challenge = await sha256(verifier)
  const proofKey = await newPageKey()
  return { state: randomText(), nonce: randomText(), verifier, challenge, proofKey }
}
