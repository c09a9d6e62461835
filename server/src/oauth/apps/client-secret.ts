import type { Clock } from '#platform/clock/clock.ts'
import { base62 } from '#platform/crypto/base62.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import { Secret } from '#platform/crypto/secret.ts'
import type { Random } from '#platform/ids/ids.ts'
import type { AppSecret } from './app.ts'

/** A new client secret, to show once, and what is kept of it: a keyed digest and its last characters. */
export function mintClientSecret({
  random,
  keyring,
  clock,
}: {
  random: Random
  keyring: Keyring
  clock: Clock
}): { secret: Secret; stored: AppSecret } {
  const text = `sk-lk-client_${base62(random.bytes(32), 43)}`
  const { digest } = keyring.mac('client-secret', text)
  const hint = `…${text.slice(-4)}`
  return {
    secret: new Secret(text),
    stored: { digest, hint, createdAt: clock.now(), expiresAt: null, temporary: false },
  }
}
