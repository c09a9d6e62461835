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
  malformed_request: {
    title: 'This is not a valid HTTP request',
    detail: 'Check the request line and the headers; an HTTP library gets both right.',
    help: 'bad-requests',
  },
  unknown_method: {
    title: 'This HTTP method is not known',
    detail: 'Use GET, POST, PUT, PATCH or DELETE in capital letters.',
    help: 'bad-requests',
  },
  headers_too_large: {
    title: 'The headers are too large',
    detail:
      'All headers together may have 32 KiB. Delete cookies of this site or send fewer headers.',
    help: 'bad-requests',
  },
  request_timeout: {
    title: 'The request took too long to arrive',
    detail: 'Send it again on a new connection.',
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
  // accounts
  email_invalid: {
    title: 'The e-mail address is not valid',
    detail: 'Enter one plain address, such as name@example.com.',
    help: 'verify-email',
  },
  name_invalid: {
    title: 'The name is not valid',
    detail: 'Enter a name of 1 to 100 characters without control characters.',
    help: 'bad-requests',
  },
  password_too_short: {
    title: 'The password is too short',
    detail: 'Use at least 8 characters; 15 or more are always long enough.',
    help: 'passwords',
  },
  password_too_long: {
    title: 'The password is too long',
    detail: 'Use at most 256 characters.',
    help: 'passwords',
  },
  password_common: {
    title: 'The password is too well known',
    detail:
      'It is on lists of common or leaked passwords, which attackers try first. Choose another.',
    help: 'passwords',
  },
  password_personal: {
    title: 'The password is too close to you',
    detail:
      'It is built from your name, your e-mail address or the name of this service. Choose something nobody would connect with you.',
    help: 'passwords',
  },
  password_weak: {
    title: 'The password is too easy to guess',
    detail: 'Make it longer, for example four words that do not belong together.',
    help: 'passwords',
  },
  code_invalid: {
    title: 'The code does not work',
    detail:
      'It is wrong, used, replaced by a newer one, older than 10 minutes, or was tried too often. Check the newest mail or ask for a new code.',
    help: 'verify-email',
  },
  current_password_wrong: {
    title: 'The current password is wrong',
    detail: 'Enter the password you sign in with now. If you have forgotten it, reset it.',
    help: 'reset-password',
  },
  service_busy: {
    title: 'Too many people are signing in',
    detail: 'Nothing is wrong with your request; try again in a few seconds.',
    help: 'service-status',
  },
  operator_link_invalid: {
    title: 'The operator link does not work',
    detail:
      'It was used, replaced by a newer one, or is older than 24 hours. Restart the server or run “latchkey operator create” for a new one.',
    help: 'operator-start',
  },
  email_taken: {
    title: 'The address already has an account',
    detail: 'Enter the password of that account to make it an operator, or use another address.',
    help: 'operator-start',
  },
  last_operator: {
    title: 'This is the only operator',
    detail: 'Give the operator role to another account first.',
    help: 'operator-start',
  },
  // sessions
  sign_in_failed: {
    title: 'The e-mail address or the password is wrong',
    detail: 'Check both and try again. If you have forgotten the password, reset it.',
    help: 'sign-in',
  },
  sign_in_paused: {
    title: 'Too many wrong passwords',
    detail:
      'Sign in on a device where you were signed in before, or choose a new password by mail; both work at once. Otherwise wait for the time named in Retry-After, then try once.',
    help: 'sign-in',
  },
  email_unverified: {
    title: 'The e-mail address is not confirmed yet',
    detail: 'Enter the six-digit code from our mail, or ask for a new one.',
    help: 'verify-email',
  },
  reauth_required: {
    title: 'Your password is needed once more',
    detail: 'You signed in more than ten minutes ago. Enter your password, then do it again.',
    help: 'sign-in',
  },
  device_limit_reached: {
    title: 'Too many devices are signed in',
    detail: 'Choose a device to sign out, and go on here.',
    help: 'devices-and-sessions',
  },
  device_limit_refused: {
    title: 'Too many devices are signed in',
    detail:
      'Sign out on a device you do not need, then sign in here again. If you have none of them any more, reset your password: that signs out all of them.',
    help: 'devices-and-sessions',
  },
  sign_in_ticket_invalid: {
    title: 'This sign-in took too long',
    detail: 'Enter your password again.',
    help: 'devices-and-sessions',
  },
  device_link_invalid: {
    title: 'This link does not work any more',
    detail:
      'It works once and for seven days. If you do not know a device, sign it out and change your password.',
    help: 'devices-and-sessions',
  },
  // organizations
  role_insufficient: {
    title: 'Your role does not allow this',
    detail: 'Ask an owner or admin of the organization.',
    help: 'not-found',
  },
  too_many_projects: {
    title: 'The organization has too many projects',
    detail: 'Use one of the existing projects.',
    help: 'bad-requests',
  },
  // keys
  key_not_yours: {
    title: 'This key belongs to somebody else',
    detail:
      'Only the person who made the key, or an owner or admin of the organization, can change it.',
    help: 'api-keys',
  },
  key_held: {
    title: 'An operator has disabled this key',
    detail:
      'You cannot enable it yourself. You can revoke it, or read the reason under “Cases” and appeal.',
    help: 'appeals',
  },
  key_expiry_past: {
    title: 'The expiry lies in the past',
    detail: 'Choose an expires_at in the future, or null for a key that does not expire.',
    help: 'api-keys',
  },
  // oauth
  transaction_not_found: {
    title: 'This sign-in is no longer open',
    detail:
      'It has expired, was finished, or was started in another browser. Go back to the app and start again.',
    help: 'oauth-apps',
  },
  logout_not_found: {
    title: 'This sign-out is no longer open',
    detail:
      'It has expired, is done, or was started in another browser. If you are still signed in, sign out here or go back to the app.',
    help: 'app-sign-out',
  },
  device_code_unknown: {
    title: 'This code does not fit',
    detail:
      'It is mistyped, older than ten minutes, already answered, or was entered by somebody else first. Compare it with the device, or let the device show a new one.',
    help: 'connect-device',
  },
  too_many_apps: {
    title: 'There are too many apps',
    detail: 'An organization may have 100. Delete one that is no longer used.',
    help: 'oauth-apps',
  },
  public_client: {
    title: 'This app has no secret',
    detail:
      'It is a public client. Change token_endpoint_auth_method first if its code runs on a server.',
    help: 'oauth-apps',
  },
  // trust and appeals
  own_account: {
    title: 'This is about your own account',
    detail: 'Nobody decides about the own account. Ask another operator.',
    help: 'operator-decisions',
  },
  operator_protected: {
    title: 'This account belongs to the operators',
    detail: 'Only somebody with the role operator, in good standing, may decide about it.',
    help: 'operator-decisions',
  },
  decision_in_force: {
    title: 'A decision at least as strong is in force',
    detail: 'Reverse that decision first, or take a stronger one.',
    help: 'operator-decisions',
  },
  until_invalid: {
    title: 'The end of the decision is not possible',
    detail:
      'Limits and suspensions may end by themselves, at a time in the future and within ten years. Warnings and closures have no end.',
    help: 'operator-decisions',
  },
  decision_ended: {
    title: 'The decision is not in force any more',
    detail: 'Nothing can be changed about it. Its case shows how it ended.',
    help: 'appeals',
  },
  cannot_reduce: {
    title: 'There is nothing milder than a warning',
    detail: 'Uphold or reverse it.',
    help: 'operator-decisions',
  },
  already_appealed: {
    title: 'There is an appeal against this decision already',
    detail: 'Each decision takes one appeal. Its case shows where yours stands.',
    help: 'appeals',
  },
  appeal_too_late: {
    title: 'The time for an appeal is over',
    detail: 'An appeal has to arrive within 30 days of the decision.',
    help: 'appeals',
  },
  own_decision: {
    title: 'You took the decision this appeal is about',
    detail: 'Somebody else has to review it. Ask another operator or reviewer.',
    help: 'operator-decisions',
  },
  appeal_already_decided: {
    title: 'This appeal has been decided',
    detail: 'An appeal is decided once. Its case shows the outcome.',
    help: 'operator-decisions',
  },
} as const satisfies Record<string, ErrorText>

export type ErrorText = { title: string; detail: string; help: string }
