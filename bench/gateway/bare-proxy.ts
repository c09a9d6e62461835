import { Agent, createServer, request } from 'node:http'

/** What people write first: node:http with a keep-alive agent, and no work of its own. The floor for comparison. */
const port = Number(process.env.PORT)
const upstreamPort = Number(process.env.UPSTREAM_PORT)
const agent = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 256 })

createServer((req, res) => {
  const forward = request(
    {
      host: '127.0.0.1',
      port: upstreamPort,
      path: req.url ?? '/',
      method: req.method ?? 'GET',
      agent,
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer upstream',
        'content-length': req.headers['content-length'] ?? '0',
      },
    },
    (answer) => {
      res.writeHead(answer.statusCode ?? 502, {
        'content-type': answer.headers['content-type'] ?? 'application/json',
      })
      answer.pipe(res)
    },
  )
  forward.on('error', () => res.destroy())
  req.pipe(forward)
}).listen(port, '127.0.0.1', 2048)
