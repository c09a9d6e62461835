import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { createLog } from '#platform/log/log.ts'
import { type EventOf, inProcessBus, type LatchkeyEvent } from './events.ts'
import { type RedisBus, redisBus } from './redis-bus.ts'

const url = process.env.LATCHKEY_TEST_REDIS_URL
const skip = url ? false : 'needs LATCHKEY_TEST_REDIS_URL'

const ended: EventOf<'session.ended'> = {
  type: 'session.ended',
  sessionId: `sess_${process.pid}`,
  accountId: 'acct_1',
  deviceId: 'dev_1',
  reason: 'signed_out',
}

function node(nodeId: string, at = url ?? '', lines: string[] = []): RedisBus {
  const local = inProcessBus((error) => assert.fail(String(error)))
  return redisBus({ url: at, nodeId, local, log: createLog('info', (line) => lines.push(line)) })
}

const heard = (bus: RedisBus) =>
  new Promise<LatchkeyEvent>((resolve) => {
    bus.subscribe('session.ended', (event) => {
      if (event.sessionId === ended.sessionId) resolve(event)
    })
  })

const until = async (condition: () => boolean | Promise<boolean>) => {
  for (let i = 0; i < 500; i++) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail('did not happen within 5 s')
}
const subscribed = (bus: RedisBus) =>
  until(() =>
    bus.ping().then(
      () => true,
      () => false,
    ),
  )

test('an event reaches the own node at once and the other node by Redis, once each', {
  skip,
}, async () => {
  const [a, b] = [node('a'), node('b')]
  await Promise.all([a.connect(5_000), b.connect(5_000)])
  await Promise.all([subscribed(a), subscribed(b)])
  let own = 0
  a.subscribe('session.ended', (event) => {
    if (event.sessionId === ended.sessionId) own++
  })
  const other = heard(b)
  a.publish(ended)
  assert.equal(own, 1, 'the own node has heard when publish returns')
  assert.deepEqual(await other, ended)
  assert.equal(own, 1, 'and not a second time by Redis')
  await Promise.all([a.close(), b.close()])
})

test('what was published while Redis was away arrives at its return, and the node hears of the gap', {
  skip,
}, async () => {
  const gate = await cuttableRedis(url ?? '')
  const lines: string[] = []
  const [a, b] = [node('a2', gate.url, lines), node('b2')]
  await Promise.all([a.connect(5_000), b.connect(5_000)])
  await Promise.all([subscribed(a), subscribed(b)])
  let missed = 0
  a.subscribe('events.missed', () => missed++)
  const other = heard(b)
  gate.cut()
  await until(() => lines.some((line) => line.includes('redis is away')))
  let own = 0
  a.subscribe('session.ended', () => own++)
  a.publish(ended)
  assert.equal(own, 1, 'the own node is told although Redis is away')
  await assert.rejects(a.ping())
  gate.mend()
  assert.deepEqual(await other, ended)
  await until(() => missed === 1)
  await Promise.all([a.close(), b.close()])
  gate.close()
})

test('a start without Redis fails within its time', async () => {
  const bus = node('c', 'redis://127.0.0.1:1')
  await assert.rejects(bus.connect(2_000))
  await bus.close()
})

/** A TCP gate before the real Redis: cut drops every connection and refuses new ones. */
async function cuttableRedis(target: string) {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let open = true
  const server = createServer((socket) => {
    if (!open) return socket.destroy()
    const upstream = connect(Number(port || 6379), hostname)
    for (const one of [socket, upstream]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        socket.destroy()
        upstream.destroy()
      })
    }
    socket.pipe(upstream).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as { port: number }
  return {
    url: `redis://127.0.0.1:${address.port}`,
    cut() {
      open = false
      for (const socket of sockets) socket.destroy()
    },
    mend: () => {
      open = true
    },
    close: () => server.close(),
  }
}
