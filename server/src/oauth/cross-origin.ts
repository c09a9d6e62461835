import type { FastifyReply } from 'fastify'

/**
 * Fetch, CORS protocol: pages of any site may read these answers, for apps that live in a browser.
 * None of these endpoints looks at a cookie, and none is ever allowed to be sent along.
 */
export const readableAnywhere = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'WWW-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id',
}

/**
 * Answers the question that a browser asks first, where more than a simple form is sent. It touches
 * nothing and counts towards no limit: the browser asks, not the app, and keeps the answer an hour.
 */
export const preflight = (reply: FastifyReply, methods: string, headers: string) =>
  reply
    .code(204)
    .headers({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': methods,
      'access-control-allow-headers': headers,
      'access-control-max-age': '3600',
    })
    .send()
