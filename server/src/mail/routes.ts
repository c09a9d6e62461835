import { isIP } from 'node:net'
import { z } from 'zod'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import type { Mail } from './message.ts'

const outboxSchema = z.array(
  z.object({
    to: z.string(),
    kind: z.string(),
    subject: z.string(),
    text: z.string(),
    code: z.string().optional(),
    link: z.string().optional(),
    at: z.string(),
  }),
)

/**
 * The development outbox: registered in development alone, answered to this machine alone. The Host
 * must be a loopback name too, so that a page on a name that was rebound to 127.0.0.1 reads nothing.
 */
export function outboxRoutes(app: App, deps: { mail: Mail; problem: ProblemSender }): void {
  app.get(
    '/dev/outbox',
    {
      config: { access: { auth: 'public' } },
      schema: {
        tags: ['development'],
        summary: 'Mail and SMS of this development server, newest first',
        response: { 200: outboxSchema },
      },
    },
    async (request, reply) => {
      const ours = isLoopback(request.socket.remoteAddress) && isLoopback(request.ip)
      if (!ours || !isLoopback(request.hostname))
        return deps.problem(request, reply, { status: 404, code: 'not_found' })
      reply.header('cache-control', 'no-store')
      return deps.mail.recent(200)
    },
  )
}

function isLoopback(host: string | undefined): boolean {
  if (host === undefined) return false
  const bare = host.replace(/^\[|\]$/g, '').replace(/^::ffff:/i, '')
  if (isIP(bare) === 4) return bare.startsWith('127.')
  return bare === '::1' || bare === 'localhost' || bare.endsWith('.localhost')
}
