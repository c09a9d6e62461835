import http from 'node:http'

export type Load = { done: number; failed: number; p99Ms: number; firstFailure: string | null }

/**
 * A closed loop of `connections`: each asks again as soon as it is answered. `next` gives the body
 * for a connection, or null when there is nothing left to send; `learn` sees each good answer.
 */
export async function load(
  url: string,
  connections: number,
  milliseconds: number,
  next: (connection: number) => string | null,
  learn: (connection: number, answer: string) => void = () => {},
): Promise<Load> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  const times: number[] = []
  let failed = 0
  let firstFailure: string | null = null
  const began = performance.now()
  const run = async (connection: number) => {
    while (performance.now() - began < milliseconds && failed < 50) {
      const body = next(connection)
      if (body === null) return
      const sent = performance.now()
      const answer = await post(url, agent, body)
      if (answer.status === 200) {
        times.push(performance.now() - sent)
        learn(connection, answer.text)
      } else {
        failed++
        firstFailure ??= `${answer.status} ${answer.text.slice(0, 200)}`
      }
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, connection) => run(connection)))
  agent.destroy()
  times.sort((a, b) => a - b)
  const p99Ms = times[Math.floor(times.length * 0.99)] ?? Number.NaN
  return { done: times.length, failed, p99Ms, firstFailure }
}

let senders = 0
/** Both servers are told of many client addresses, as the limits of ours are per address. */
export const someAddress = () => {
  const n = senders++ % 60_000
  return `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`
}

function post(url: string, agent: http.Agent, body: string) {
  return new Promise<{ status: number; text: string }>((resolve) => {
    const request = http.request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
          'x-forwarded-for': someAddress(),
        },
      },
      (response) => {
        let text = ''
        response.setEncoding('latin1')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    request.on('error', (error) => resolve({ status: 0, text: String(error) }))
    request.end(body)
  })
}
