import {
  altered,
  authorizationParameters,
  bearer,
  broken,
  deviceGrant,
  field,
  formTo,
  type Held,
  type Mistake,
  refreshWith,
  type Setup,
  scopeOf,
} from './requests.ts'
import { type StepId, valueNamed, type WireRequest, type WireResponse } from './wire.ts'

type Step = {
  /** Whether the app holds what this request needs. */
  ready(held: Held): boolean
  request(setup: Setup, held: Held, mistake: Mistake | null): WireRequest
  /** What a good answer adds to what is held. */
  absorb(held: Held, answer: WireResponse, now: number): Partial<Held>
  mistakes(setup: Setup, held: Held): readonly Mistake[]
}

const always = () => true
const nothing = () => ({})
const none = () => [] as const

/** Every request an app makes, as one table. Building it is apart from sending it (`send.ts`). */
export const steps: Record<StepId, Step> = {
  push: {
    ready: always,
    request: (setup, held, mistake) =>
      formTo(setup, '/oauth/par', authorizationParameters(setup, held, mistake), mistake),
    absorb: (_, { members }) => ({ requestUri: valueNamed(members, 'request_uri') }),
    mistakes: (setup, held) => [...authorizationMistakes(setup), ...clientMistakes(setup, held)],
  },
  authorize: {
    ready: always,
    request: (setup, held, mistake) => ({
      method: 'GET',
      url: `${setup.origin}/oauth/authorize`,
      query:
        held.requestUri !== undefined
          ? [field('client_id', setup.app.client_id), field('request_uri', held.requestUri)]
          : authorizationParameters(setup, held, mistake),
      headers: [],
      form: null,
      json: null,
      navigates: true,
    }),
    absorb: (_, { members }) => ({
      code: valueNamed(members, 'code'),
      codeSpent: false,
      requestUri: undefined,
    }),
    mistakes: (setup, held) => (held.requestUri === undefined ? authorizationMistakes(setup) : []),
  },
  token: {
    ready: (held) => held.code !== undefined,
    request(setup, held, mistake) {
      const address = mistake === 'wrong_redirect' ? `${setup.redirectUri}/` : setup.redirectUri
      const verifier = mistake === 'wrong_verifier' ? altered(held.verifier) : held.verifier
      return formTo(
        setup,
        '/oauth/token',
        [
          field('grant_type', 'authorization_code'),
          field('code', held.code ?? ''),
          field('redirect_uri', address),
          ...(setup.legacy || mistake === 'no_verifier' ? [] : [field('code_verifier', verifier)]),
        ],
        mistake,
      )
    },
    absorb: (held, answer) => ({ codeSpent: true, ...tokens(held, answer) }),
    mistakes: (setup, held) =>
      held.codeSpent
        ? ['code_again']
        : [
            ...(setup.legacy ? [] : (['wrong_verifier', 'no_verifier'] as const)),
            'wrong_redirect',
            ...clientMistakes(setup, held),
            ...proofMistakes(setup),
          ],
  },
  device: {
    ready: always,
    request: (setup, _, mistake) =>
      formTo(setup, '/oauth/device', [field('scope', scopeOf(setup, mistake))], mistake),
    absorb: (_, { members }) => ({
      deviceCode: valueNamed(members, 'device_code'),
      userCode: valueNamed(members, 'user_code'),
      verificationUri: valueNamed(members, 'verification_uri'),
    }),
    mistakes: (setup, held) => ['unknown_scope', ...clientMistakes(setup, held)],
  },
  poll: {
    ready: (held) => held.deviceCode !== undefined,
    request: (setup, held, mistake) =>
      formTo(
        setup,
        '/oauth/token',
        [
          field('grant_type', deviceGrant),
          field('device_code', broken(held.deviceCode ?? '', mistake)),
        ],
        mistake,
      ),
    absorb: tokens,
    mistakes: (setup) => ['broken_token', ...proofMistakes(setup)],
  },
  machine: {
    ready: always,
    request: (setup, _, mistake) =>
      formTo(
        setup,
        '/oauth/token',
        [field('grant_type', 'client_credentials'), field('scope', scopeOf(setup, mistake))],
        mistake,
      ),
    absorb: tokens,
    mistakes: (setup, held) => [
      'unknown_scope',
      ...clientMistakes(setup, held),
      ...proofMistakes(setup),
    ],
  },
  userinfo: {
    ready: (held) => held.accessToken !== undefined && held.idToken !== undefined,
    request: (setup, held, mistake) => bearer(setup, held, mistake, 'GET', '/oauth/userinfo', null),
    absorb: nothing,
    mistakes: resourceMistakes,
  },
  models: {
    ready: (held) => held.accessToken !== undefined,
    request: (setup, held, mistake) => bearer(setup, held, mistake, 'GET', '/v1/models', null),
    absorb: nothing,
    mistakes: resourceMistakes,
  },
  chat: {
    ready: (held) => held.accessToken !== undefined,
    request: (setup, held, mistake) =>
      bearer(setup, held, mistake, 'POST', '/v1/chat/completions', {
        model: setup.model,
        messages: [{ role: 'user', content: 'Say hello in one short sentence.' }],
        max_tokens: 40,
      }),
    absorb: nothing,
    mistakes: none,
  },
  introspect: {
    ready: (held) => held.accessToken !== undefined,
    request: (setup, held, mistake) =>
      formTo(
        setup,
        '/oauth/introspect',
        [
          field('token', broken(held.accessToken ?? '', mistake)),
          field('token_type_hint', 'access_token'),
        ],
        mistake,
      ),
    absorb: nothing,
    mistakes: (setup, held) => ['broken_token', ...clientMistakes(setup, held)],
  },
  refresh: {
    ready: (held) => held.refreshToken !== undefined,
    request: (setup, held, mistake) => refreshWith(setup, held.refreshToken, mistake),
    absorb: (held, answer, now) => ({
      ...tokens(held, answer),
      spentRefreshToken: held.refreshToken,
      rotatedAt: now,
    }),
    mistakes: (setup, held) => [
      'broken_token',
      ...clientMistakes(setup, held),
      ...proofMistakes(setup),
    ],
  },
  present_again: {
    ready: (held) => held.spentRefreshToken !== undefined,
    request: (setup, held, mistake) => refreshWith(setup, held.spentRefreshToken, mistake),
    absorb: tokens,
    mistakes: none,
  },
  revoke: {
    ready: (held) => held.refreshToken !== undefined || held.accessToken !== undefined,
    request: (setup, held, mistake) =>
      formTo(
        setup,
        '/oauth/revoke',
        [
          field('token', held.refreshToken ?? held.accessToken ?? ''),
          field('token_type_hint', held.refreshToken ? 'refresh_token' : 'access_token'),
        ],
        mistake,
      ),
    absorb: nothing,
    mistakes: clientMistakes,
  },
  logout: {
    ready: (held) => held.idToken !== undefined,
    request: (setup, held, mistake) => ({
      method: 'GET',
      url: `${setup.origin}/oauth/logout`,
      query: [
        ...(mistake === 'no_hint' ? [] : [field('id_token_hint', held.idToken ?? '')]),
        field('client_id', setup.app.client_id),
        field(
          'post_logout_redirect_uri',
          mistake === 'wrong_redirect' ? `${setup.redirectUri}/` : setup.redirectUri,
        ),
        field('state', held.state),
      ],
      headers: [],
      form: null,
      json: null,
      navigates: true,
    }),
    absorb: () => ({ signedOut: true }),
    mistakes: () => ['wrong_redirect', 'no_hint'],
  },
  check: {
    ready: always,
    request: (setup, held) => formTo(setup, '/oauth/par', held.pasted ?? [], null),
    absorb: nothing,
    mistakes: none,
  },
}

const authorizationMistakes = (setup: Setup): Mistake[] => [
  'wrong_redirect',
  'unknown_scope',
  // A client registered so needs no PKCE; leaving it out is no mistake of it.
  ...(setup.app.legacy_confidential ? [] : (['no_pkce'] as const)),
  ...(setup.legacy ? [] : (['plain_pkce'] as const)),
]

/** With the proof that the app is the app. */
function clientMistakes({ app }: Setup, held?: Held): Mistake[] {
  switch (app.token_endpoint_auth_method) {
    case 'none':
      return []
    case 'private_key_jwt':
      return [
        'wrong_key',
        'wrong_audience',
        ...(held?.lastAssertion ? (['old_assertion'] as const) : []),
      ]
    default:
      return ['wrong_secret']
  }
}

/** Where tokens are issued, a proof is missed only by apps that must send one. */
function proofMistakes(setup: Setup): Mistake[] {
  return setup.app.dpop_bound_access_tokens ? ['no_proof'] : []
}

function resourceMistakes(setup: Setup): Mistake[] {
  return ['broken_token', ...(setup.dpop ? (['no_proof', 'old_proof'] as const) : [])]
}

function tokens(held: Held, { members }: WireResponse): Partial<Held> {
  return {
    accessToken: valueNamed(members, 'access_token') ?? held.accessToken,
    refreshToken: valueNamed(members, 'refresh_token') ?? held.refreshToken,
    idToken: valueNamed(members, 'id_token') ?? held.idToken,
  }
}
