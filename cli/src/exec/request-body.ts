import type { ClientRequest, IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream'

/** The body of a request on its way through. */
export type PassingBody = {
  /** All of it, when it is short enough to be sent again; null otherwise. */
  whole: Buffer | null
  send(upstream: ClientRequest): void
}

/**
 * Reads up to `bytesMax` of the body. What is longer goes through as a stream, beginning with what
 * was read, at the pace of whoever reads it.
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<PassingBody> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const settle = (body: PassingBody) => {
      request.off('data', onData).off('end', onEnd).off('error', reject).off('close', onClose)
      resolve(body)
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length <= bytesMax) return
      request.pause()
      settle({
        whole: null,
        send(upstream) {
          upstream.write(Buffer.concat(chunks))
          pipeline(request, upstream, () => {})
        },
      })
    }
    const onEnd = () => {
      const whole = Buffer.concat(chunks, length)
      settle({ whole, send: (upstream) => upstream.end(whole.length > 0 ? whole : undefined) })
    }
    const onClose = () => reject(new Error('the request was not finished'))
    request.on('data', onData).once('end', onEnd).once('error', reject).once('close', onClose)
  })
}
