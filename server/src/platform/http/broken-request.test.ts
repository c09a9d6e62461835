import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { startServer, type TestServer } from '../../../../test/harness/server.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(() => server[Symbol.asyncDispose]())

/** Sends bytes as they are and reads the answer until the server closes. */
async function raw(bytes: string): Promise<{ status: number; head: string; body: unknown }> {
  const socket = connect(Number(new URL(server.origin).port), '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
  socket.on('error', () => {}) // the server may close before it has read everything
  socket.write(bytes)
  await once(socket, 'close')
  const [head = '', body = ''] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), head, body: JSON.parse(body || 'null') }
}

test('headers beyond the limit are refused with 431 and a problem', async () => {
  const { status, head, body } = await raw(
    `GET /api/account HTTP/1.1\r\nHost: x\r\nX-Big: ${'a'.repeat(40_000)}\r\n\r\n`,
  )
  assert.equal(status, 431)
  assert.match(head, /application\/problem\+json/)
  assert.equal((body as { code: string }).code, 'headers_too_large')
})

test('a malformed request on /v1 is answered in the shape of OpenAI', async () => {
  const { status, body } = await raw('GET /v1/models HTTP/1.1\r\nbad header\r\n\r\n')
  assert.equal(status, 400)
  const { error } = body as { error: Record<string, unknown> }
  assert.equal(error.code, 'malformed_request')
  assert.equal(error.type, 'invalid_request_error')
})

test('an invented method and a garbled line are refused without harm', async () => {
  const invented = await raw('STEAL / HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.equal(invented.status, 400)
  assert.equal((invented.body as { code: string }).code, 'unknown_method')
  assert.equal((await raw('\x16\x03\x01\x02\x00garbage\r\n\r\n')).status, 400)
  assert.equal((await fetch(`${server.origin}/healthz`)).status, 200)
})

test('a known path with another method is 405 and names what it allows', async () => {
  const response = await fetch(`${server.origin}/healthz`, { method: 'DELETE' })
  assert.equal(response.status, 405)
  assert.equal(response.headers.get('allow'), 'GET, HEAD')
  assert.equal(((await response.json()) as { code: string }).code, 'method_not_allowed')
})

test('an unknown path of the API is a 404 problem', async () => {
  const response = await fetch(`${server.origin}/api/nothing-here?code=secret`)
  assert.equal(response.status, 404)
  const body = (await response.json()) as { code: string; instance: string }
  assert.deepEqual([body.code, body.instance], ['not_found', '/api/nothing-here'])
})

test('the log names the route pattern and never the query', async () => {
  await fetch(`${server.origin}/api/nothing-here?code=very-secret`)
  const lines = server.logLines.filter((line) => line.includes('"request"'))
  assert.ok(lines.length > 0)
  assert.ok(!server.logLines.join('').includes('very-secret'))
})
