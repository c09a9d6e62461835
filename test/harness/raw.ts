import { once } from 'node:events'
import { connect } from 'node:net'

export type RawAnswer = { status: number; headers: Map<string, string>; text: string }

/** Sends bytes as they are, also those that no HTTP client would send, and reads to the end. */
export async function raw(origin: string, bytes: string): Promise<RawAnswer> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
  socket.on('error', () => {}) // the server may close before it has read everything
  socket.write(Buffer.from(bytes, 'latin1'))
  await once(socket, 'close')
  return parsed(Buffer.concat(chunks).toString('utf8'))
}

/** A request that asks the server to close, so that its end is the answer's end. */
export const requestText = (
  method: string,
  target: string,
  headers: Record<string, string> = {},
  body = '',
): string =>
  [
    `${method} ${target} HTTP/1.1`,
    ...Object.entries({
      Host: 'localhost',
      Connection: 'close',
      ...(body === '' ? {} : { 'Content-Length': String(body.length) }),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n')

function parsed(answer: string): RawAnswer {
  const split = answer.indexOf('\r\n\r\n')
  const [line = '', ...fields] = answer.slice(0, split).split('\r\n')
  const headers = new Map(
    fields.map((field) => {
      const at = field.indexOf(':')
      return [field.slice(0, at).toLowerCase(), field.slice(at + 1).trim()] as const
    }),
  )
  return { status: Number(line.split(' ')[1]), headers, text: answer.slice(split + 4) }
}
