import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Served = { origin: string; close(): Promise<void> }

/**
 * Serves `answer` on a free port of 127.0.0.1; where it throws, the connection is cut. `originOf` says
 * which address requests are addressed to while they arrive.
 */
export async function serve(
  answer: (request: Request) => Promise<Response>,
  originOf: () => string,
): Promise<Served> {
  const server: Server = createServer(async (incoming, outgoing) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of incoming) chunks.push(chunk as Uint8Array)
    const headers = new Headers()
    for (const [name, value] of Object.entries(incoming.headers))
      if (typeof value === 'string') headers.set(name, value)
    const request = new Request(new URL(incoming.url ?? '/', originOf()), {
      method: incoming.method ?? 'GET',
      headers,
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    })
    try {
      const response = await answer(request)
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      outgoing.end(await response.text())
    } catch {
      outgoing.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
