import { readFileSync } from 'node:fs'
import { createServer as createPlain, type RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { FaultProxy } from '../../sdk/src/testing/index.ts'

/**
 * A server that takes `?s=<ms>` to answer, over TLS 1.3 when it is given a key, and lines to it: the
 * first line on stdout says where the server is, and after it come the lines for the round trips
 * named as arguments. `HINT=<seconds>` makes it tell clients how long it keeps connections.
 */
const answer: RequestListener = (request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://host')
  setTimeout(
    () => {
      response.setHeader('x-connections', connections)
      response.end('{"object":"list","data":[]}')
    },
    Number(searchParams.get('s') ?? 0),
  )
}
const { KEY, CERT, HINT } = process.env
const server =
  KEY && CERT
    ? createServer(
        { key: readFileSync(KEY), cert: readFileSync(CERT), minVersion: 'TLSv1.3' },
        answer,
      )
    : createPlain(answer)
let connections = 0
server.on(KEY ? 'secureConnection' : 'connection', () => connections++)
server.keepAliveTimeout = Number(HINT ?? 0) * 1_000
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo
  const at = (line: string) => `${KEY ? 'https' : 'http'}://localhost:${new URL(line).port}`
  const lines: string[] = []
  for (const rtt of process.argv.slice(2)) {
    const relay = new FaultProxy(`http://127.0.0.1:${port}`, { rttMs: Number(rtt) })
    lines.push(at(await relay.listen()))
  }
  console.log(lines.join(' ') || at(`http://localhost:${port}`))
})
