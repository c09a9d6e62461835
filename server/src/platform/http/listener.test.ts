import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { test } from 'node:test'
import { answerBrokenRequest } from './broken-request.ts'
import { createListener, type Handler } from './listener.ts'

const reads: Handler = (req, res) => req.resume().once('end', () => res.end('read'))
const answersAtOnce: Handler = (_req, res) => res.end('early')

/** What comes back when a body of ten bytes is announced and only its first is sent. */
async function dripped(path: string, app: Handler): Promise<string> {
  const server = createListener({ app, gateway: reads }, 100)
  server.on('clientError', (error, socket) =>
    answerBrokenRequest('http://localhost', 'req_1', error, socket as never),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  try {
    let text = ''
    socket.on('data', (bytes) => {
      text += String(bytes)
    })
    socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx`)
    const ended = once(socket, 'close')
    const waited = new Promise((resolve) => setTimeout(resolve, 1_000, 'open'))
    if ((await Promise.race([ended, waited])) === 'open') {
      socket.write('123456789')
      text += ' after a second: '
      while (!text.includes('read')) await once(socket, 'data')
    }
    return text
  } finally {
    socket.destroy()
    server.close()
  }
}

test('a body that drips is cut off with 408, and the gateway has more patience', async () => {
  const cut = await dripped('/api/sessions', reads)
  assert.match(cut, /^HTTP\/1\.1 408 /)
  assert.match(cut, /"code":"request_timeout"/)
  const served = await dripped('/v1/chat/completions', reads)
  assert.match(served, /^ after a second: HTTP\/1\.1 200 OK/)
})

test('where the answer has gone out already, the dripping connection just ends', async () => {
  const cut = await dripped('/api/sessions', answersAtOnce)
  assert.match(cut, /^HTTP\/1\.1 200 OK/)
  assert.equal(cut.split('HTTP/1.1').length, 2, 'one answer')
})
