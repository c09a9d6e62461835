import { type Clock, hour, minute, second } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Log } from '#platform/log/log.ts'
import type { RenderedMail } from './render.ts'
import type { OutboxRow, OutboxStore } from './store.sql.ts'
import type { Transport } from './transport.ts'

/** What a row's sealed payload holds. */
export type OutboxPayload = RenderedMail & { code?: string; link?: string }

const batch = 10
/** Longer than all of a transport's time-outs together for one batch. */
const holdMs = 10 * minute
const attemptsMax = 14

/** 5 s, 10 s, 20 s … at most an hour apart: about eight hours of patience in all. */
export const retryDelayMs = (attempts: number): number =>
  Math.min(hour, 5 * second * 2 ** Math.max(0, attempts - 1))

export const payloadContext = (id: string) => `outbox/${id}/payload`

/**
 * One pass over the outbox: claims what is due, hands it over, settles each row. At least once by
 * nature (a provider may accept and the node die before the row is settled), with a stable
 * Message-ID so that a repeat can be recognised. A refusal for good (SMTP 5xx) is not repeated.
 */
export async function deliverDue(deps: {
  store: OutboxStore
  transport: Transport
  keyring: Keyring
  clock: Clock
  log: Log
  from: string
}): Promise<number> {
  const { store, transport, keyring, clock, log, from } = deps
  let left = 0
  for (;;) {
    const rows = await store.claim(clock.now(), holdMs, batch)
    for (const row of rows) if (await deliver(row)) left++
    if (rows.length < batch) break
  }
  return left

  async function deliver(row: OutboxRow): Promise<boolean> {
    const payload: OutboxPayload = JSON.parse(
      await keyring.open(payloadContext(row.id), row.payload),
    )
    const { subject, text, html } = payload
    try {
      await transport.send({ id: row.id, from, to: row.recipient, subject, text, html })
    } catch (error) {
      const problem = describe(error)
      const final = problem.permanent || row.attempts >= attemptsMax
      if (final) await store.failed(row, problem.text)
      else await store.retry(row, clock.now() + retryDelayMs(row.attempts), problem.text)
      log.warn({ mail: row.id, kind: row.kind, problem: problem.text, final }, 'mail did not leave')
      return false
    }
    await store.sent(row, clock.now())
    return true
  }
}

/** Code and SMTP status alone: a server's answer may repeat the address or more. */
function describe(error: unknown): { text: string; permanent: boolean } {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown }
  const status = typeof responseCode === 'number' ? responseCode : null
  return {
    text: [typeof code === 'string' ? code : 'error', ...(status === null ? [] : [status])].join(
      ' ',
    ),
    permanent: status !== null && status >= 550 && status < 560 && code === 'EENVELOPE',
  }
}
