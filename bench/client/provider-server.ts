import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FakeProvider, type FakeProviderOptions } from '../../sdk/src/testing/index.ts'

/**
 * A provider and an API that takes its tokens and answers after `API_MS`, in one process of their
 * own. Settings of the provider come as JSON in the first argument; `GET /stats` tells what happened,
 * `GET /code` grants an authorization code.
 */
const apiMs = Number(process.env.API_MS ?? 5)
const options = JSON.parse(process.argv[2] ?? '{}') as FakeProviderOptions
const provider = new FakeProvider(options)
let refused = 0
const server = createServer(async (incoming, outgoing) => {
  const url = new URL(incoming.url ?? '/', provider.issuer)
  const chunks: Uint8Array[] = []
  for await (const chunk of incoming) chunks.push(chunk as Uint8Array)
  const json = (body: unknown, status = 200) =>
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (url.pathname === '/stats') {
    const told = { tokenCalls: provider.requests, refused, redemptions: provider.redemptions }
    provider.requests = 0
    refused = 0
    return json(told)
  }
  if (url.pathname === '/code') return json({ code: provider.code() })
  if (url.pathname === '/open') return setTimeout(() => json({ ok: true }), apiMs)
  if (url.pathname === '/api') {
    const token = (incoming.headers.authorization ?? '').replace('Bearer ', '')
    if (provider.accepts(token)) return setTimeout(() => json({ ok: true }), apiMs)
    refused++
    return setTimeout(() => json({ error: { code: 'invalid_token' } }, 401), apiMs)
  }
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers))
    if (typeof value === 'string') headers.set(name, value)
  const response = await provider.fetch(
    new Request(url, {
      method: incoming.method ?? 'GET',
      headers,
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    }),
  )
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(await response.text())
})
server.listen(0, '127.0.0.1', () => {
  provider.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  console.log(provider.issuer)
})
