import type { Messages } from '../messages/en.ts'
import { wrongUsage } from '../trouble.ts'

export const defaultIssuer = 'http://localhost:4000'

/**
 * The issuer as people type it, in the one spelling it is stored by: a scheme where there was none
 * (https, but http on this machine), and no slash behind a bare origin. A path is kept as it is,
 * because the provider's own spelling of it has to match.
 */
export function issuerOf(text: string, m: Messages): string {
  const local = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/i.test(text)
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text
    : `${local ? 'http' : 'https'}://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw wrongUsage(m.accounts.issuerMalformed)
  return url.pathname === '/' && url.search === '' && url.hash === '' ? url.origin : url.href
}
