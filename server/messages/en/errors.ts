/**
 * What people read when something is refused: what happened, then what they can do. One entry a
 * stable code; `help` is the slug of the article that goes on.
 */
export const errors = {
  // every surface
  invalid_request: {
    title: 'The request is not valid',
    detail: 'Correct the named fields and send it again.',
    help: 'bad-requests',
  },
  malformed_json: {
    title: 'The body is not valid JSON',
    detail: 'Send one JSON object in UTF-8 without null bytes.',
    help: 'bad-requests',
  },
  unsupported_media_type: {
    title: 'The body has an unsupported type',
    detail: 'Send the body as application/json.',
    help: 'bad-requests',
  },
  body_too_large: {
    title: 'The body is too large',
    detail: 'Send a smaller body.',
    help: 'bad-requests',
  },
  not_found: {
    title: 'Not found',
    detail:
      'There is nothing at this address, or it is not yours. Check the address and the account you are signed in with.',
    help: 'not-found',
  },
  method_not_allowed: {
    title: 'This method does not work here',
    detail: 'Use one of the methods named in the Allow header.',
    help: 'bad-requests',
  },
  rate_limited: {
    title: 'Too many attempts',
    detail: 'Wait for the time named in Retry-After, then try again.',
    help: 'rate-limits',
  },
  temporarily_unavailable: {
    title: 'Temporarily unavailable',
    detail:
      'A part of the service does not answer. Nothing is wrong with your request; try again in a few seconds.',
    help: 'service-status',
  },
  internal_error: {
    title: 'Something went wrong on our side',
    detail: 'Try again. If it stays, tell support the request id.',
    help: 'service-status',
  },
  cross_origin_refused: {
    title: 'The request came from another site',
    detail: 'Open the console itself and repeat the step there.',
    help: 'bad-requests',
  },
  // sessions
  sign_in_required: {
    title: 'Please sign in',
    detail: 'Your session has ended or you are not signed in.',
    help: 'sign-in',
  },
  account_suspended: {
    title: 'The account is suspended',
    detail:
      'Read the reason and send an appeal under “Cases”. Sign-in, usage and export go on working.',
    help: 'suspended-account',
  },
  operator_required: {
    title: 'Not found',
    detail:
      'There is nothing at this address, or it is not yours. Check the address and the account you are signed in with.',
    help: 'not-found',
  },
} as const satisfies Record<string, ErrorText>

export type ErrorText = { title: string; detail: string; help: string }
