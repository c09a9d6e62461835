import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProblemAnswer, ProblemSender } from '#platform/http/problem.ts'
import { errorText } from '../../messages/messages.ts'
import type { PasswordRefusal } from './password-policy.ts'

/** Every reason the verbs of this room may give. */
export type AccountRefusal =
  | PasswordRefusal
  | 'email_invalid'
  | 'name_invalid'
  | 'code_invalid'
  | 'current_password_wrong'
  | 'operator_link_invalid'
  | 'email_taken'
  | 'last_operator'
  | 'busy'
  | 'rate_limited'
  | 'sign_in_paused'

const answers = {
  email_invalid: { status: 400, code: 'email_invalid' },
  name_invalid: { status: 400, code: 'name_invalid' },
  password_too_short: { status: 400, code: 'password_too_short' },
  password_too_long: { status: 400, code: 'password_too_long' },
  password_common: { status: 400, code: 'password_common' },
  password_personal: { status: 400, code: 'password_personal' },
  password_weak: { status: 400, code: 'password_weak' },
  code_invalid: { status: 400, code: 'code_invalid' },
  current_password_wrong: { status: 403, code: 'current_password_wrong' },
  operator_link_invalid: { status: 403, code: 'operator_link_invalid' },
  email_taken: { status: 409, code: 'email_taken' },
  last_operator: { status: 409, code: 'last_operator' },
  busy: { status: 503, code: 'service_busy' },
  rate_limited: { status: 429, code: 'rate_limited' },
  sign_in_paused: { status: 429, code: 'sign_in_paused' },
} as const satisfies Record<AccountRefusal, ProblemAnswer>

/** The form field a reason belongs to, so that the page can say it there. */
const fields: Partial<Record<AccountRefusal, string>> = {
  email_invalid: 'email',
  name_invalid: 'name',
  password_too_short: 'password',
  password_too_long: 'password',
  password_common: 'password',
  password_personal: 'password',
  password_weak: 'password',
  code_invalid: 'code',
  current_password_wrong: 'current',
}

export function refuse(
  problem: ProblemSender,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: { reason: AccountRefusal; retryAfterSeconds?: number; field?: string },
): FastifyReply {
  const answer = answers[refusal.reason]
  const field = refusal.field ?? fields[refusal.reason]
  const message = errorText(answer.code, request.locale).detail
  const retryAfterSeconds = refusal.retryAfterSeconds ?? (refusal.reason === 'busy' ? 3 : undefined)
  return problem(request, reply, answer, {
    ...(field ? { errors: [{ field, code: answer.code, message }] } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}
