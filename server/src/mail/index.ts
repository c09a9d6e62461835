/**
 * Mail: an outbox in the database. A message is written in the transaction that causes it, so it
 * leaves exactly when that commits; a worker hands it to SMTP with retries. Without an SMTP server
 * the outbox is where mail ends, readable at `/dev/outbox` in development.
 *
 * States of a row: `waiting → sending → sent | failed`; `sending` whose holder died is claimed
 * again. Bodies, codes and links are sealed; rows are forgotten a week after they are settled.
 *
 * Neighbours: platform only. What it does not do: decide who is told what, or keep addresses valid.
 */
import { type Clock, day, hour, rfc3339, second } from '#platform/clock/clock.ts'
import type { Keyring } from '#platform/crypto/keyring.ts'
import type { Secret } from '#platform/crypto/secret.ts'
import type { Database } from '#platform/db/database.ts'
import type { Ids } from '#platform/ids/ids.ts'
import { every, type Job } from '#platform/jobs/every.ts'
import { errorFields, type Log } from '#platform/log/log.ts'
import { deliverDue, type OutboxPayload, payloadContext } from './deliver.ts'
import type { Mail, OutboxMessage } from './message.ts'
import { renderMail } from './render.ts'
import { sqlOutboxStore } from './store.sql.ts'
import { smtpTransport } from './transport.ts'

export type { Mail, MailKind, OutgoingMail } from './message.ts'
export { outboxRoutes } from './routes.ts'

const pollMs = 2 * second
const keptMs = 7 * day

export function createMail(deps: {
  database: Database
  clock: Clock
  ids: Ids
  keyring: Keyring
  log: Log
  config: { origin: string; smtpUrl: Secret | null; mailFrom: string }
}): Mail {
  const { database, clock, ids, keyring, log, config } = deps
  const store = sqlOutboxStore(database)
  const transport = config.smtpUrl
    ? smtpTransport(config.smtpUrl, new URL(config.origin).hostname)
    : null
  let timer: NodeJS.Timeout | undefined
  let pass: Promise<number> | null = null
  let forgetting: Job | undefined

  /** One pass at a time; whoever asks meanwhile waits for the one that runs. */
  const deliver = async (): Promise<number> => {
    if (!transport) return 0
    pass ??= deliverDue({ store, transport, keyring, clock, log, from: config.mailFrom }).finally(
      () => {
        pass = null
      },
    )
    return pass
  }
  const sweep = () => store.forget(clock.now() - keptMs)
  const deliverQuietly = () => {
    deliver().catch((error) => log.error({ err: errorFields(error) }, 'the outbox cannot be read'))
  }

  return {
    async send(mail) {
      const id = ids('mail')
      const at = clock.now()
      const payload: OutboxPayload = {
        ...renderMail(mail, config.origin),
        ...(mail.code === undefined ? {} : { code: mail.code }),
        ...(mail.link === undefined ? {} : { link: mail.link }),
      }
      await store.insert({
        id,
        channel: 'mail',
        kind: mail.kind,
        recipient: mail.to,
        payload: await keyring.seal(payloadContext(id), JSON.stringify(payload)),
        // Without a provider the outbox is the destination.
        state: transport ? 'waiting' : 'sent',
        attempts: 0,
        next_attempt_at: at,
        claimed_until: null,
        last_error: null,
        created_at: at,
        sent_at: transport ? null : at,
      })
      if (timer) database.afterCommit(deliverQuietly)
    },

    async recent(limit) {
      const rows = await store.recent(limit)
      return Promise.all(
        rows.map(async (row): Promise<OutboxMessage> => {
          const payload: OutboxPayload = JSON.parse(
            await keyring.open(payloadContext(row.id), row.payload),
          )
          return {
            to: row.recipient,
            kind: row.kind,
            subject: payload.subject,
            text: payload.text,
            ...(payload.code === undefined ? {} : { code: payload.code }),
            ...(payload.link === undefined ? {} : { link: payload.link }),
            at: rfc3339(row.created_at),
          }
        }),
      )
    },

    deliver,
    sweep,
    start() {
      forgetting ??= every(hour, 'settled mail', log, sweep)
      if (!transport || timer) return
      timer = setInterval(deliverQuietly, pollMs)
      timer.unref()
    },
    async stop() {
      clearInterval(timer)
      timer = undefined
      await forgetting?.stop()
      forgetting = undefined
      await pass?.catch(() => {}) // reported where it ran
      transport?.close()
    },
  }
}
