import { authorizationParameters, type Held, type Setup } from './requests.ts'
import type { Field } from './wire.ts'

export type Pasted =
  | { ok: true; parameters: Field[] }
  | { ok: false; reason: 'not_an_address' | 'other_client' }

/**
 * What an app sends to the authorization endpoint, from a whole sign-in link; or, from a redirect URI
 * alone, a request that is right in everything else.
 */
export function readPasted(text: string, setup: Setup, held: Held): Pasted {
  const url = URL.parse(text.trim())
  if (!url) return { ok: false, reason: 'not_an_address' }
  const named = url.searchParams.get('client_id')
  if (named === null) {
    const parameters = authorizationParameters(
      // As it stands: `URL` would write it in its normal form, and hide what differs.
      { ...setup, redirectUri: text.trim(), legacy: false },
      held,
      null,
    )
    return { ok: true, parameters }
  }
  if (named !== setup.app.client_id) return { ok: false, reason: 'other_client' }
  const parameters = [...url.searchParams].map(([name, value]) => ({ name, value }))
  return { ok: true, parameters }
}
