import { BlockList } from 'node:net'
import { z } from 'zod'
import { equalSecret } from '#platform/crypto/keyring.ts'
import type { Secret } from '#platform/crypto/secret.ts'
import type { App } from '#platform/http/app.ts'
import type { ProblemSender } from '#platform/http/problem.ts'
import { type Metrics, metricsContentType } from '#platform/metrics/metrics.ts'
import type { Health } from './health.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * `/healthz` says the process turns, `/readyz` whether it should get traffic, `/metrics` counts. All
 * three stay answerable while the process drains, on connections that are still open.
 */
export function healthRoutes(
  app: App,
  deps: { health: Health; metrics: Metrics; metricsToken: Secret | null; problem: ProblemSender },
): void {
  const access = { auth: 'public', rate: 'none' } as const

  app.get(
    '/healthz',
    {
      config: { access },
      schema: {
        tags: ['operations'],
        summary: 'Whether the process is alive',
        response: { 200: z.object({ status: z.literal('alive') }) },
      },
    },
    async () => ({ status: 'alive' as const }),
  )

  const readiness = z.object({
    status: z.enum(['ready', 'degraded', 'down', 'draining']),
    down: z.array(z.string()),
  })
  app.get(
    '/readyz',
    {
      config: { access },
      schema: {
        tags: ['operations'],
        summary: 'Whether this node should get traffic; names what is down',
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const { status, checks } = await deps.health.read()
      const ready = status === 'ready' || status === 'degraded'
      return reply
        .code(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ status, down: checks.filter((check) => !check.ok).map((check) => check.name) })
    },
  )

  app.get(
    '/metrics',
    {
      config: { access },
      schema: { tags: ['operations'], summary: 'Figures for Prometheus' },
    },
    async (request, reply) => {
      // The socket's own address: a forwarded one could be claimed by anybody behind the proxy.
      const allowed = deps.metricsToken
        ? equalSecret(request.headers.authorization ?? '', `Bearer ${deps.metricsToken.reveal()}`)
        : isLoopback(request.socket.remoteAddress) &&
          request.headers['x-forwarded-for'] === undefined
      if (!allowed) return deps.problem(request, reply, { status: 404, code: 'not_found' })
      return reply
        .header('cache-control', 'no-store')
        .type(metricsContentType)
        .send(await deps.metrics.text())
    },
  )
}

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = address.replace(/^::ffff:/, '')
  return loopback.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4')
}
