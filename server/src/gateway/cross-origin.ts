import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Fetch, CORS protocol. An app in a browser holds an access token of its own and calls `/v1` with it,
 * so pages of any site may read the answers. Cookies are never let along and never looked at here:
 * what a page can do is what its token can do, wherever it runs.
 */
const exposed = [
  'x-request-id',
  'www-authenticate',
  'dpop-nonce',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  ...['requests', 'tokens'].flatMap((what) =>
    ['limit', 'remaining', 'reset'].map((kind) => `x-ratelimit-${kind}-${what}`),
  ),
  'openai-processing-ms',
  'x-latchkey-overhead-ms',
].join(', ')

/** Goes with an answer to a request that has an Origin. */
export const readableAnywhere: readonly string[] = [
  'access-control-allow-origin',
  '*',
  'access-control-expose-headers',
  exposed,
]

/**
 * One answer to every question, whatever the path: a call that is wrong is refused where the app can
 * read why. `*` lets along the headers by which SDKs describe themselves, and does not mean
 * `authorization`. Two hours is as long as any browser keeps it.
 */
const preflight = [
  'access-control-allow-origin',
  '*',
  'access-control-allow-methods',
  'GET, POST',
  'access-control-allow-headers',
  'authorization, content-type, dpop, idempotency-key, x-api-key, *',
  'access-control-max-age',
  '7200',
]

/**
 * True when it was a browser's question and is answered: before anything is read, measured or counted.
 * An OPTIONS without Origin and the method that is meant is an ordinary wrong method.
 */
export function answerPreflight(req: IncomingMessage, res: ServerResponse): boolean {
  if (req.method !== 'OPTIONS') return false
  const { origin, 'access-control-request-method': meant } = req.headers
  if (origin === undefined || meant === undefined) return false
  res.writeHead(204, preflight).end()
  return true
}

/** From the raw list, like everything the gateway reads of a head. */
export function hasOrigin(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 6 && name.toLowerCase() === 'origin') return true
  }
  return false
}
