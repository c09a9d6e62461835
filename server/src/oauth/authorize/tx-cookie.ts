import type { Clock } from '#platform/clock/clock.ts'
import { transactionLifeMs } from '../engine/engine.ts'

/** More open transactions than this in one browser are not a person's; the oldest go. */
const openMax = 8

/**
 * One cookie a transaction, so that tabs do not disturb each other: `__Host-lk_tx_<id8>`, or `lk_out_`
 * for a sign-out (without the prefix on plain http), Lax, because a Strict cookie set on a cross-site arrival is not sent on the
 * way back. It carries a nonce and no identity.
 */
export type TxCookies = {
  /** Set-Cookie lines for a new transaction, dropping the oldest beyond eight. */
  start(id: string, nonce: string, cookieHeader: string | undefined): string[]
  /** The nonce this browser holds for the transaction. */
  read(id: string, cookieHeader: string | undefined): string | undefined
  clear(id: string): string
}

export function txCookies(
  origin: string,
  clock: Clock,
  name: 'lk_tx_' | 'lk_out_' = 'lk_tx_',
): TxCookies {
  const secure = origin.startsWith('https://')
  const prefix = secure ? `__Host-${name}` : name
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  const nameOf = (id: string) => prefix + id.slice(0, 8)
  const present = (header: string | undefined) =>
    (header ?? '')
      .split(';')
      .map((pair) => pair.trim().split('=', 2))
      .filter(
        (pair): pair is [string, string] => pair.length === 2 && (pair[0] ?? '').startsWith(prefix),
      )

  return {
    start(id, nonce, header) {
      const value = `${nonce}.${clock.now().toString(36)}`
      const startedAt = (text: string) => Number.parseInt(text.split('.')[1] ?? '0', 36) || 0
      const surplus = present(header)
        .sort(([, a], [, b]) => startedAt(b) - startedAt(a))
        .slice(openMax - 1)
      return [
        `${nameOf(id)}=${value}; ${attributes}; Max-Age=${transactionLifeMs / 1_000}`,
        ...surplus.map(([old]) => `${old}=; ${attributes}; Max-Age=0`),
      ]
    },
    read: (id, header) =>
      present(header)
        .find(([key]) => key === nameOf(id))?.[1]
        ?.split('.')[0],
    clear: (id) => `${nameOf(id)}=; ${attributes}; Max-Age=0`,
  }
}
