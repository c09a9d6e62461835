import { rfc3339 } from '#platform/clock/clock.ts'
import type { Exporter } from '../accounts/index.ts'
import type { Sessions } from './session.ts'

/** Where the account is signed in. */
export const sessionExporter = (sessions: Sessions): Exporter => ({
  part: 'sessions',
  async collect(accountId) {
    const living = await sessions.list(accountId)
    return living.map((session) => ({
      id: session.id,
      device: { id: session.device.id, name: session.device.name },
      address: session.device.address,
      created_at: rfc3339(session.createdAt),
      last_seen_at: rfc3339(session.lastSeenAt),
    }))
  },
})
