import type { FastifyInstance } from 'fastify'

/**
 * Bodies arrive as bytes, whatever they say they are, and at most this many: OAuth's endpoints judge
 * type and form themselves and refuse in their own shape.
 */
export function takeRawBodies(
  scope: Pick<FastifyInstance, 'removeAllContentTypeParsers' | 'addContentTypeParser'>,
  bodyLimit: number,
): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
    done(null, body),
  )
}
