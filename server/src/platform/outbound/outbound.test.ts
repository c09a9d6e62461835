import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { selfSigned } from '../../../../test/harness/certificate.ts'
import { buildInternet, publicAddress } from '../../../../test/harness/internet.ts'
import { connectToChecked, resolveByDns } from './connect.ts'
import { createOutbound, type OutboundAnswer, type OutboundEdges } from './outbound.ts'

const reasonOf = (answer: OutboundAnswer) => (answer.ok ? `ok ${answer.status}` : answer.reason)
const fetcher = (edges: Pick<OutboundEdges, 'resolve' | 'connect'>, more = {}) =>
  createOutbound({ ...edges, allowLoopback: false, ...more })

test('the request reaches the checked address under the name of the URL', async () => {
  await using internet = await buildInternet('app.test')
  internet.serve((request, response) => {
    assert.equal(request.headers['accept-encoding'], 'identity')
    assert.equal(request.headers.cookie, undefined)
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.end('{"a":1}')
  })
  const answer = await fetcher(internet.edges).get('https://app.test/d?x=1', {
    accept: ['application/json'],
  })
  assert.ok(answer.ok)
  assert.equal(answer.body.toString(), '{"a":1}')
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
  assert.deepEqual(internet.requests, [
    { host: 'app.test', url: '/d?x=1', method: 'GET', servername: 'app.test' },
  ])
  assert.deepEqual(internet.connected, [publicAddress])
})

test('a post carries its body and its type', async () => {
  await using internet = await buildInternet('app.test')
  let body = ''
  internet.serve((request, response) => {
    assert.equal(request.headers['content-type'], 'application/x-www-form-urlencoded')
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => response.writeHead(400).end('no'))
  })
  const answer = await fetcher(internet.edges).post('https://app.test/hook', {
    body: 'logout_token=x',
    contentType: 'application/x-www-form-urlencoded',
  })
  assert.equal(reasonOf(answer), 'ok 400')
  assert.equal(body, 'logout_token=x')
})

test('a name that answers differently the second time is never asked a second time', async () => {
  await using internet = await buildInternet()
  internet.name('rebind.example.test', [publicAddress], ['127.0.0.1'])
  assert.equal(
    reasonOf(await fetcher(internet.edges).get('https://rebind.example.test/')),
    'ok 200',
  )
  assert.deepEqual(internet.asked, ['rebind.example.test'])
  assert.deepEqual(internet.connected, [publicAddress])
  // The next request asks anew, and is refused before it connects.
  const second = await fetcher(internet.edges).get('https://rebind.example.test/')
  assert.equal(reasonOf(second), 'address_refused')
  assert.deepEqual(internet.connected, [publicAddress])
})

test('one bad address among good ones refuses the name', async () => {
  await using internet = await buildInternet()
  for (const bad of ['10.0.0.1', '169.254.169.254', '::ffff:127.0.0.1', 'fd00::1', 'nonsense']) {
    internet.name('mixed.example.test', [publicAddress, bad])
    assert.equal(
      reasonOf(await fetcher(internet.edges).get('https://mixed.example.test/')),
      'address_refused',
    )
  }
  assert.deepEqual(internet.connected, [])
})

test('loopback that is allowed in a URL is still refused behind a name', async () => {
  await using internet = await buildInternet()
  internet.name('near.example.test', ['127.0.0.1'])
  const outbound = fetcher(internet.edges, { allowLoopback: true })
  assert.equal(reasonOf(await outbound.get('https://near.example.test/')), 'address_refused')
})

test('a redirect is not followed, wherever it leads', async () => {
  await using internet = await buildInternet('app.test')
  for (const status of [301, 302, 303, 304, 307, 308]) {
    internet.serve((_request, response) =>
      response.writeHead(status, { location: 'https://app.test/again' }).end(),
    )
    assert.equal(
      reasonOf(await fetcher(internet.edges).get('https://app.test/')),
      'redirected',
      String(status),
    )
  }
  assert.equal(internet.requests.length, 6)
})

test('nothing beyond the cap is read, announced or not', async () => {
  await using internet = await buildInternet('app.test')
  const outbound = fetcher(internet.edges)
  internet.serve((_request, response) => response.end(Buffer.alloc(5_001)))
  assert.equal(reasonOf(await outbound.get('https://app.test/', { maxBytes: 5_000 })), 'too_large')
  assert.equal(reasonOf(await outbound.get('https://app.test/', { maxBytes: 5_001 })), 'ok 200')

  let written = 0
  internet.serve((_request, response) => {
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384))) written += 16_384
    }
    response.on('drain', pour)
    response.on('error', () => {})
    pour()
  })
  assert.equal(reasonOf(await outbound.get('https://app.test/', { maxBytes: 5_000 })), 'too_large')
  assert.ok(written < 20_000_000, `${written} bytes poured`)

  internet.serve((_request, response) =>
    response.writeHead(200, { 'x-long': 'a'.repeat(20_000) }).end(),
  )
  assert.equal(reasonOf(await outbound.get('https://app.test/')), 'too_large')
})

test('a compressed answer is refused unread', async () => {
  await using internet = await buildInternet('app.test')
  internet.serve((_request, response) =>
    response
      .writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' })
      .end(gzipSync(Buffer.alloc(10_000_000))),
  )
  assert.equal(reasonOf(await fetcher(internet.edges).get('https://app.test/')), 'type_refused')
})

test('an answer of another type is refused, and one of a json dialect is not', async () => {
  await using internet = await buildInternet('app.test')
  const get = async (type: string) => {
    internet.serve((_request, response) =>
      response.writeHead(200, type ? { 'content-type': type } : {}).end('{}'),
    )
    return reasonOf(
      await fetcher(internet.edges).get('https://app.test/', { accept: ['application/json'] }),
    )
  }
  for (const type of ['text/html', 'application/jsonx', 'text/application/json', ''])
    assert.equal(await get(type), 'type_refused', type)
  for (const type of ['application/json', 'Application/JSON;charset=utf-8', 'application/x.y+json'])
    assert.equal(await get(type), 'ok 200', type)
})

test('silence, dripping headers and dripping bodies end at the time-out', async () => {
  await using internet = await buildInternet('app.test')
  const drips: ((write: (text: string) => void) => void)[] = [
    () => {},
    (write) => write('HTTP/1.1 200 OK\r\nx-a: '),
    (write) => write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n'),
  ]
  for (const begin of drips) {
    const timers: NodeJS.Timeout[] = []
    internet.serve((request) => {
      const { socket } = request
      begin((text) => socket.write(text))
      timers.push(setInterval(() => socket.writable && socket.write('a'), 20))
    })
    const before = performance.now()
    const answer = await fetcher(internet.edges).get('https://app.test/', { timeoutMs: 200 })
    for (const timer of timers) clearInterval(timer)
    assert.match(reasonOf(answer), /^(timeout|cut)$/)
    assert.ok(performance.now() - before < 1_500)
  }
})

test('a name server that never answers, and a host that never accepts, end at the time-out', async () => {
  await using internet = await buildInternet('app.test')
  const silent = { ...internet.edges, resolve: () => new Promise<never>(() => {}) }
  assert.equal(
    reasonOf(await fetcher(silent).get('https://app.test/', { timeoutMs: 50 })),
    'timeout',
  )
  const closed = { ...internet.edges, connect: () => () => {} }
  assert.equal(
    reasonOf(await fetcher(closed).get('https://app.test/', { timeoutMs: 50 })),
    'timeout',
  )
})

test('trouble on the way is an answer, never an exception', async () => {
  await using internet = await buildInternet('app.test', 'other.example')
  const outbound = fetcher(internet.edges)
  assert.equal(reasonOf(await outbound.get('https://unknown.example.test/')), 'name_unresolved')
  internet.name('empty.example.test', [])
  assert.equal(reasonOf(await outbound.get('https://empty.example.test/')), 'name_unresolved')
  internet.name('a.b.wrong.example', [publicAddress]) // not in the certificate
  assert.equal(reasonOf(await outbound.get('https://a.b.wrong.example/')), 'connect_failed')
  internet.serve((request) => request.socket.destroy())
  assert.equal(reasonOf(await outbound.get('https://app.test/')), 'cut')
  internet.serve((request) => request.socket.end('garbage\r\n\r\n'))
  assert.equal(reasonOf(await outbound.get('https://app.test/')), 'cut')
  internet.serve((_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    setImmediate(() => response.destroy())
  })
  assert.equal(reasonOf(await outbound.get('https://app.test/')), 'cut')
})

test('the number of requests at once is capped, in all and to one host', async () => {
  await using internet = await buildInternet('app.test', 'other.test')
  let now = 0
  let most = 0
  internet.serve((_request, response) => {
    most = Math.max(most, ++now)
    setTimeout(() => {
      now -= 1
      response.end()
    }, 20)
  })
  const outbound = fetcher(internet.edges, { concurrency: 3, concurrencyPerHost: 2 })
  const both = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        outbound.get(`https://${i % 2 ? 'app' : 'other'}.test/`),
      ),
    )
  assert.ok((await both(12)).every((answer) => answer.ok))
  assert.equal(most, 3)
  most = 0
  await Promise.all(Array.from({ length: 6 }, () => outbound.get('https://app.test/')))
  assert.equal(most, 2)
  // Who waits longer than its time is told so, and its place is not lost to others.
  const late = await Promise.all(
    Array.from({ length: 30 }, () => outbound.get('https://app.test/', { timeoutMs: 100 })),
  )
  assert.ok(late.some((answer) => reasonOf(answer) === 'timeout'))
  assert.equal(reasonOf(await outbound.get('https://app.test/')), 'ok 200')
})

test('no socket stays open after the answer, nor after a refusal', async () => {
  await using internet = await buildInternet('app.test')
  const outbound = fetcher(internet.edges)
  await outbound.get('https://app.test/')
  internet.serve(() => {})
  await outbound.get('https://app.test/', { timeoutMs: 50 })
  while (internet.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('the real connector goes to the address it was given and asks no resolver', async () => {
  const { key, cert } = selfSigned(['pinned.test'])
  const server = createServer({ key, cert }, (request, response) => {
    response.end(
      `${request.headers.host} ${(request.socket as { servername?: string }).servername}`,
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const usual = getCACertificates('default')
  setDefaultCACertificates([...usual, cert])
  try {
    // What is resolved is public; what is connected to is swapped behind the check, once.
    const connectTo = (addresses: string[]): OutboundEdges['connect'] => {
      return (_checked, timeoutMs) => connectToChecked(addresses, timeoutMs)
    }
    const get = (addresses: string[]) =>
      createOutbound({
        resolve: async () => [publicAddress],
        connect: connectTo(addresses),
        allowLoopback: false,
      }).get(`https://pinned.test:${port}/`)
    const answer = await get(['127.0.0.1'])
    assert.ok(answer.ok, reasonOf(answer))
    assert.equal(answer.body.toString(), `pinned.test:${port} pinned.test`)
    // An address where nobody listens gives way to the next one.
    assert.equal(reasonOf(await get(['::1', '127.0.0.1'])), 'ok 200')
    assert.equal(reasonOf(await get(['127.0.0.2'])), 'connect_failed')
  } finally {
    setDefaultCACertificates(usual)
    server.close()
  }
})

test('plain http reaches this machine where that is allowed, and nowhere else', async () => {
  const server = createHttpServer((_request, response) => response.end('near'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const edges = { resolve: resolveByDns, connect: connectToChecked }
  try {
    for (const host of ['localhost', '127.0.0.1']) {
      const url = `http://${host}:${port}/`
      assert.equal(
        reasonOf(await createOutbound({ ...edges, allowLoopback: true }).get(url)),
        'ok 200',
      )
      assert.equal(
        reasonOf(await createOutbound({ ...edges, allowLoopback: false }).get(url)),
        'url_refused',
      )
    }
  } finally {
    server.close()
  }
})
