import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyRequest } from 'fastify'
import type { App } from './app.ts'

const builtConsole = fileURLToPath(new URL('../../../../console/dist/', import.meta.url))

/**
 * The built console on the app's origin. Files below `/assets` carry their hash in the name and may
 * be kept for a year; the page itself is asked for again each time, so that a deployment is seen at
 * once. Any other GET that a browser makes for a page gets the page, whose router knows the address;
 * everything else is answered like any unknown address. Without a build only the page is missing.
 */
export async function consoleFiles(app: App, directory = builtConsole): Promise<void> {
  const built = existsSync(`${directory}index.html`)
  if (built)
    await app.register(fastifyStatic, { root: directory, serve: false, cacheControl: false })
  const access = { auth: 'public', rate: 'none' } as const

  app.get<{ Params: { '*': string } }>(
    '/assets/*',
    { config: { access }, schema: { hide: true } },
    (request, reply) => {
      const name = request.params['*']
      if (!built || !/^[\w.-]+$/.test(name) || !existsSync(`${directory}assets/${name}`))
        return reply.callNotFound()
      reply.header('cache-control', 'public, max-age=31536000, immutable')
      return reply.sendFile(`assets/${name}`)
    },
  )

  app.get('/latchkey.svg', { config: { access }, schema: { hide: true } }, (_, reply) => {
    if (!built) return reply.callNotFound()
    reply.header('cache-control', 'public, max-age=86400')
    return reply.sendFile('latchkey.svg')
  })

  app.get('/*', { config: { access }, schema: { hide: true } }, (request, reply) => {
    if (!built || !isPage(request)) return reply.callNotFound()
    reply.header('cache-control', 'no-cache').header('vary', 'accept')
    return reply.sendFile('index.html')
  })
}

/** Addresses of other surfaces, which answer in their own shape and never with a page. */
const otherSurfaces = /^\/(api|oauth|v1|dev|\.well-known|healthz|readyz|metrics|assets)(\/|$)/

function isPage(request: FastifyRequest): boolean {
  const path = request.url.split('?', 1)[0] ?? '/'
  const accept = request.headers.accept ?? ''
  // The front page is a page for everybody, also for curl.
  return path === '/' || (!otherSurfaces.test(path) && /text\/html/.test(accept))
}
