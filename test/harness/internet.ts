import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { buildConnector } from 'undici'
import type { OutboundEdges } from '../../server/src/platform/outbound/outbound.ts'
import { selfSigned } from './certificate.ts'
import { signedUp } from './person.ts'
import { startServer } from './server.ts'

/**
 * An internet of one machine: names with public addresses, and one TLS server that stands behind
 * all of them. It writes down which names were asked for and which addresses were connected to, so
 * that a test can say where nobody went.
 */
export type Internet = {
  edges: Pick<OutboundEdges, 'resolve' | 'connect'>
  /** What a name answers, question by question; the last answer stays. */
  name(hostname: string, ...answers: (readonly string[])[]): void
  /** What the server behind the names does. */
  serve(handle: (request: IncomingMessage, response: ServerResponse) => void): void
  asked: string[]
  connected: string[]
  requests: { host: string; url: string; method: string; servername: string | false | null }[]
  sockets: ReadonlySet<Socket>
  [Symbol.asyncDispose](): Promise<void>
}

export const publicAddress = '93.184.216.34'

export async function buildInternet(...hostnames: string[]): Promise<Internet> {
  const answers = new Map<string, (readonly string[])[]>()
  for (const hostname of hostnames) answers.set(hostname, [[publicAddress]])
  const { key, cert } = selfSigned([...hostnames, '*.example.test'])
  let handle = (_request: IncomingMessage, response: ServerResponse) => void response.end('hello')
  const asked: string[] = []
  const connected: string[] = []
  const requests: Internet['requests'] = []
  const sockets = new Set<Socket>()

  const server: Server = createServer({ key, cert }, (request, response) => {
    const { servername } = request.socket as Socket & { servername?: string | false | null }
    requests.push({
      host: request.headers.host ?? '',
      url: request.url ?? '',
      method: request.method ?? '',
      servername: servername ?? null,
    })
    handle(request, response)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {}) // the other side hangs up on purpose
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    edges: {
      async resolve(hostname) {
        asked.push(hostname)
        const list = answers.get(hostname)
        const answer = (list?.length ?? 0) > 1 ? list?.shift() : list?.[0]
        if (!answer) throw new Error(`ENOTFOUND ${hostname}`)
        return answer
      },
      connect(addresses, timeoutMs) {
        connected.push(...addresses)
        const connect = buildConnector({ timeout: timeoutMs, ca: cert, allowH2: false })
        return (options, done) =>
          connect(
            {
              ...options,
              hostname: '127.0.0.1',
              port: String(port),
              servername: options.servername || options.hostname,
            },
            done,
          )
      },
    },
    name: (hostname, ...given) => void answers.set(hostname, given),
    serve: (given) => {
      handle = given as typeof handle
    },
    asked,
    connected,
    requests,
    sockets,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A server whose way out leads into an internet of ours, with somebody signed in. */
export async function serverOnInternet(
  internet: Internet,
  options: { database?: 'sqlite' | 'postgres' | undefined; env?: Record<string, string> } = {},
) {
  const { database, env = {} } = options
  const server = await startServer({
    ...(database ? { database } : {}),
    env,
    outbound: internet.edges,
  })
  const { person } = await signedUp(server.origin)
  return {
    internet,
    server,
    person,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await internet[Symbol.asyncDispose]()
    },
  }
}
