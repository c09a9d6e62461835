import type { Answer, EngineDeps } from '../engine/engine.ts'
import { barePageHeaders, bouncePage } from './pages.ts'
import type { Transactions } from './transaction.ts'
import type { TxCookies } from './tx-cookie.ts'

/**
 * Steps 1 and 2: the request is kept, the browser gets its nonce, and a page of ours sends it on.
 * Who comes from our own pages or typed the address needs no page: the session arrives anyway.
 */
export const startTransaction =
  (origin: string, transactions: Transactions, cookies: TxCookies): EngineDeps['onStarted'] =>
  async (request, headers): Promise<Answer> => {
    const { nonce } = await transactions.start(request)
    const path = `/oauth/tx/${request.id}`
    const common = {
      ...barePageHeaders(origin),
      'set-cookie': cookies.start(request.id, nonce, headers.cookie),
    }
    const site = headers['sec-fetch-site']
    return site === 'same-origin' || site === 'none'
      ? { status: 303, headers: { ...common, location: path }, body: '' }
      : { status: 200, headers: common, body: bouncePage(path) }
  }
