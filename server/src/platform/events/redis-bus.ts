import { Redis } from 'ioredis'
import type { Log } from '#platform/log/log.ts'
import { type EventBus, isLatchkeyEvent, type LatchkeyEvent } from './events.ts'

/**
 * The bus of several nodes. Listeners of the own node have run when `publish` returns, exactly as
 * with the embedded bus; the other nodes hear over one Redis channel, usually within milliseconds.
 *
 * Redis away: the own node works on; what it publishes waits here (at most `waitingMax`, then the
 * oldest is given up and logged) and leaves in order at the return. Redis pub/sub keeps nothing for
 * a node that was not listening, so after every gap the node tells its own rooms `events.missed`
 * and they drop what they have cached.
 */
export type RedisBus = EventBus & {
  /** Throws when Redis cannot be reached within `timeoutMs`: used once, at the start. */
  connect(timeoutMs: number): Promise<void>
  /** Throws while the node neither hears nor speaks. */
  ping(): Promise<void>
}

const channel = 'latchkey:events:1'

export function redisBus(options: {
  url: string
  /** Tells our own messages from those of others. */
  nodeId: string
  local: EventBus
  log: Log
  waitingMax?: number
}): RedisBus {
  const { nodeId, local, log } = options
  const waitingMax = options.waitingMax ?? 10_000
  const connection = () =>
    new Redis(options.url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 5_000,
      keepAlive: 10_000,
      autoResubscribe: false,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
    })
  const speaker = connection()
  const listener = connection()
  const waiting: string[] = []
  let listening = false
  let listenedBefore = false
  let sending = false
  let closed = false

  // ioredis tells each failed attempt; one line when it goes and one when it comes back are enough.
  let away = false
  let started = false // before, the caller of `connect` tells
  const noteAway = (error: Error) => {
    if (started && !away && !closed)
      log.error(
        { code: (error as NodeJS.ErrnoException).code ?? error.name, waiting: waiting.length },
        'redis is away: events reach this node only',
      )
    away = started
  }
  speaker.on('error', noteAway)
  listener.on('error', noteAway)
  for (const one of [speaker, listener])
    one.on('close', () => noteAway(new Error('connection closed')))

  const flush = async () => {
    if (sending) return
    sending = true
    try {
      while (waiting.length > 0 && speaker.status === 'ready') {
        await speaker.publish(channel, waiting[0] as string)
        waiting.shift()
      }
    } catch (error) {
      // The message stays first in line; publishing twice is harmless, losing one is not.
      noteAway(error as Error)
    } finally {
      sending = false
    }
  }
  speaker.on('ready', () => {
    if (away) log.info({ waiting: waiting.length }, 'redis is back')
    away = false
    void flush()
  })

  listener.on('ready', () => {
    listener.subscribe(channel).then(
      () => {
        listening = true
        if (listenedBefore) local.publish({ type: 'events.missed' })
        listenedBefore = true
      },
      (error: Error) => noteAway(error),
    )
  })
  listener.on('close', () => {
    listening = false
  })
  listener.on('message', (_channel, text) => {
    const message = parse(text)
    if (!message) return log.error({ bytes: text.length }, 'an event from redis cannot be read')
    if (message.node !== nodeId) local.publish(message.event)
  })

  return {
    publish(event) {
      local.publish(event)
      if (closed || event.type === 'events.missed') return
      waiting.push(JSON.stringify({ node: nodeId, event }))
      if (waiting.length > waitingMax) {
        waiting.shift()
        log.error({ event: event.type }, 'redis is away for too long: an event was given up')
      }
      void flush()
    },
    subscribe: (type, listen) => local.subscribe(type, listen),
    async connect(timeoutMs) {
      const deadline = AbortSignal.timeout(timeoutMs)
      const late = new Promise<never>((_, reject) =>
        deadline.addEventListener('abort', () => reject(new Error('no answer in time'))),
      )
      const both = Promise.all([speaker.connect(), listener.connect()])
      both.catch(() => {})
      await Promise.race([both, late])
      await Promise.race([speaker.ping(), late])
      started = true
    },
    async ping() {
      if (!listening) throw Object.assign(new Error('not subscribed'), { code: 'not_subscribed' })
      await speaker.ping()
    },
    async close() {
      await flush()
      closed = true
      speaker.disconnect()
      listener.disconnect()
      await local.close()
    },
  }
}

function parse(text: string): { node: string; event: LatchkeyEvent } | null {
  try {
    const { node, event } = JSON.parse(text) as { node?: unknown; event?: unknown }
    return typeof node === 'string' && isLatchkeyEvent(event) ? { node, event } : null
  } catch {
    return null
  }
}
