import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A TCP way to a real service that a test can cut and open again, in place of pulling a cable. */
export type Gate = {
  /** The service's URL, by way of the gate. */
  url: string
  /** Cuts every connection and refuses new ones. */
  shut(): Promise<void>
  /** From now on nothing passes either way, and nobody is told. */
  silence(): void
  open(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function gateTo(serviceUrl: string): Promise<Gate> {
  const target = new URL(serviceUrl)
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    if (!silent) near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { port } = address
  const url = new URL(serviceUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  const shut = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    url: url.href,
    shut,
    silence() {
      silent = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    async open() {
      silent = false
      if (server.listening) return
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    [Symbol.asyncDispose]: shut,
  }
}
