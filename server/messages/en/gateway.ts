/**
 * What `/v1` says when it refuses, in the order a request meets it: what happened, then what to do.
 * `{…}` is filled in; `help` is the slug of the article that goes on.
 */
export const gateway = {
  unknown_url: {
    message:
      'Unknown request URL: {method} {path}. Check the path and the base URL of your client.',
    help: 'not-found',
  },
  method_not_allowed: {
    message: '{method} does not work on {path}. Use {allowed}.',
    help: 'bad-requests',
  },
  missing_key: {
    message:
      'No API key was sent. Put it into the header “Authorization: Bearer YOUR_KEY”. You can make one in the console at {keys_page}.',
    help: 'api-keys',
  },
  conflicting_credentials: {
    message:
      'The request carries two different credentials. Send one, in the Authorization header.',
    help: 'api-keys',
  },
  credential_in_query: {
    message:
      'A key in the address ends up in logs, so it is not accepted there. Send it in the Authorization header, and rotate the key if it is real.',
    help: 'lost-key',
  },
  invalid_key: {
    message:
      'The API key is not valid: it may be mistyped, disabled or deleted. You can make a new one in the console at {keys_page}.',
    help: 'lost-key',
  },
  expired_key: {
    message: 'The API key has expired. Rotate it or make a new one in the console at {keys_page}.',
    help: 'lost-key',
  },
  account_deactivated: {
    message:
      'The account behind this credential is suspended. Sign in to read the reason and to appeal: {cases_page}.',
    help: 'suspended-account',
  },
  invalid_token: {
    message: 'The access token is not valid here. Get a new one from the authorization server.',
    help: 'sign-in',
  },
  expired_token: {
    message: 'The access token has expired. Refresh it and send the request again.',
    help: 'sign-in',
  },
  revoked_token: {
    message:
      'The access token has been revoked: the session or the permission it came from has ended. Sign in again.',
    help: 'sign-in',
  },
  key_bound_token: {
    message:
      'This access token is bound to a key. Send it as “Authorization: DPoP TOKEN” with a fresh proof in the DPoP header.',
    help: 'dpop',
  },
  token_not_bound: {
    message: 'This credential is not bound to a key. Send it as “Authorization: Bearer …”.',
    help: 'dpop',
  },
  invalid_proof: {
    message:
      'The DPoP proof does not fit this request (at fault: {fault}). Make a new proof for each request, with the key of the access token.',
    help: 'dpop',
  },
  proof_nonce: {
    message:
      'Make the DPoP proof again with the nonce of the DPoP-Nonce header, and send the request once more.',
    help: 'dpop',
  },
  ip_not_authorized: {
    message:
      'This key does not accept requests from this network address. Change the allowed networks of the key in the console.',
    help: 'api-keys',
  },
  insufficient_scope: {
    message:
      'This credential lacks the scope {scope}. Add it to the key, or ask for it when the user signs in.',
    help: 'scopes',
  },
  unsupported_media_type: {
    message: 'Send the body as {expected}.',
    help: 'bad-requests',
  },
  body_too_large: {
    message: 'The body is larger than {limit} bytes. Send a smaller one.',
    help: 'bad-requests',
  },
  malformed_body: {
    message: 'The body is not one JSON object in UTF-8. Correct it and send it again.',
    help: 'bad-requests',
  },
  invalid_value: {
    message: 'The value of {param} is not valid. Correct it and send the request again.',
    help: 'bad-requests',
  },
  model_required: {
    message: 'You must name a model in {param}. GET /v1/models lists those you can use.',
    help: 'models',
  },
  model_not_found: {
    message:
      'The model {model} does not exist or you do not have access to it. GET /v1/models lists those you can use.',
    help: 'models',
  },
  not_supported: {
    message: 'The model {model} cannot do this. Use a model and server that support {path}.',
    help: 'models',
  },
  requests_limit: {
    message:
      'Rate limit reached: {limit} requests per minute for this {scope}. Try again in {seconds} s.',
    help: 'rate-limits',
  },
  tokens_limit: {
    message:
      'Rate limit reached: {limit} tokens per minute for this {scope}. Try again in {seconds} s.',
    help: 'rate-limits',
  },
  tokens_too_many: {
    message:
      'This single request may use {requested} tokens, more than the {limit} per minute of this {scope}. Make it smaller or raise the limit.',
    help: 'rate-limits',
  },
  concurrency_limit: {
    message:
      'This {scope} allows {limit} requests at once and all are running. Try again when one has ended.',
    help: 'rate-limits',
  },
  budget_used: {
    message:
      'You exceeded your current quota: the {period} budget of this {scope} is used up. Raise it in the console at {keys_page}{renewal}.',
    help: 'usage-and-limits',
  },
  budget_held: {
    message:
      'What is left of the budget of this {scope} is held by requests still running. Try again in {seconds} s.',
    help: 'usage-and-limits',
  },
  store_unavailable: {
    message:
      'Keys cannot be checked at the moment. Nothing is wrong with your key; try again in a few seconds.',
    help: 'service-status',
  },
  not_recorded: {
    message:
      'The usage of this request could not be recorded, so its answer is withheld. Try again in a few seconds.',
    help: 'service-status',
  },
  upstream_unavailable: {
    message: 'The model server does not answer at the moment. Try again in a few seconds.',
    help: 'service-status',
  },
  upstream_busy: {
    message: 'The model server is overloaded. Try again in {seconds} s.',
    help: 'service-status',
  },
  upstream_timeout: {
    message: 'The model server took too long. Try again, or ask for a shorter answer.',
    help: 'service-status',
  },
  upstream_error: {
    message:
      'The model server failed with this request. Try again; if it stays, tell support the request id.',
    help: 'service-status',
  },
  upstream_cut: {
    message: 'The model server ended the answer before it was complete. Try again.',
    help: 'service-status',
  },
  upstream_refused: {
    message: 'The model server refused the request: {detail}',
    help: 'bad-requests',
  },
  cut_off: {
    message: 'The credential of this request was withdrawn while the answer was running.',
    help: 'lost-key',
  },
  shutting_down: {
    message: 'This server is restarting. Send the request again.',
    help: 'service-status',
  },
  internal_error: {
    message:
      'Something went wrong on our side. Try again; if it stays, tell support the request id.',
    help: 'service-status',
  },
} as const satisfies Record<string, GatewayText>

export type GatewayText = { message: string; help: string }
