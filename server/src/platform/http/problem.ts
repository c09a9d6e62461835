import type { FastifyReply, FastifyRequest } from 'fastify'
import { redact } from '#platform/log/log.ts'
import { type ErrorCode, errorText } from '../../../messages/messages.ts'

export type FieldError = { field: string; code: string; message: string }

/** RFC 9457, with a stable `code`, the request id and a link to the help article. */
export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  instance: string
  code: string
  request_id: string
  help: string
  errors?: FieldError[]
}

export type ProblemAnswer = { status: number; code: ErrorCode }

export type ProblemExtras = {
  errors?: FieldError[]
  detail?: string
  retryAfterSeconds?: number
  /** Members of this problem alone, such as what a second factor accepts (RFC 9457 section 3.2). */
  members?: Record<string, unknown>
}

/** Builds and sends a problem in the reader's language. */
export type ProblemSender = (
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ProblemAnswer,
  extras?: ProblemExtras,
) => FastifyReply

export const problemSender =
  (origin: string): ProblemSender =>
  (request, reply, { status, code }, extras = {}) => {
    const text = errorText(code, request.locale ?? 'en')
    const help = `${origin}/help/${text.help}`
    const body: Problem = {
      type: help,
      title: text.title,
      status,
      detail: extras.detail ?? text.detail,
      // A query may hold a code or an address; people paste keys into a path.
      instance: redact(request.url.split('?', 1)[0] ?? '/'),
      code,
      request_id: request.id,
      help,
      ...(extras.errors ? { errors: extras.errors } : {}),
      ...extras.members,
    }
    if (extras.retryAfterSeconds !== undefined)
      reply.header('retry-after', String(Math.max(1, Math.ceil(extras.retryAfterSeconds))))
    return reply
      .code(status)
      .header('cache-control', 'no-store')
      .type('application/problem+json; charset=utf-8')
      .serializer(JSON.stringify) // a route's response schema describes its success
      .send(body)
  }
