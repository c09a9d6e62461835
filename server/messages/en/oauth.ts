import type { AppRefusal } from '../../src/oauth/apps/app.ts'
import type { LogoRefusal } from '../../src/oauth/logos/image.ts'

/** What the authorization pages say. `link` is a path of this installation. */
export const oauthPages = {
  request_refused: {
    title: 'This app’s request cannot be accepted',
    detail:
      'The app sent a request that does not fit its registration, so you are not sent back to it. Go back and try again; if it stays, tell the app’s makers the code below.',
    link: '/help/oauth-apps',
    linkText: 'What this means',
  },
  start_again: {
    title: 'Please start again from the app',
    detail:
      'This sign-in has expired, was finished already, or was started in another browser. Nothing was allowed. Go back to the app and sign in there once more.',
    link: '/help/oauth-apps',
    linkText: 'Why this happens',
  },
  other_account: {
    title: 'This sign-in belongs to another account',
    detail:
      'It was begun with another account than the one that is signed in now. Nothing was allowed. Go back to the app and start again.',
    link: '/help/oauth-apps',
    linkText: 'Why this happens',
  },
  not_inspecting: {
    title: 'This address is for testing an app',
    detail:
      'Answers come to it only while an owner of the app has the flow inspector open in this browser. Nothing was allowed. If you are one, open the app in the console, choose “Test this app” and start again.',
    link: '/apps',
    linkText: 'Your apps',
  },
  account_suspended: {
    title: 'Your account is suspended',
    detail:
      'While it is, apps get no access. In the console you can read the reason and send an appeal.',
    link: '/cases',
    linkText: 'Read the reason',
  },
  logout_refused: {
    title: 'This app’s request to sign you out cannot be accepted',
    detail:
      'It does not fit what the app has registered, so nothing was ended and you are not sent on. You can sign out here all the same. The code below is for the app’s makers.',
    link: '/oauth/logout',
    linkText: 'Sign out here',
  },
  logout_gone: {
    title: 'This sign-out is no longer open',
    detail:
      'It has expired, is done, or was started in another browser. If you are still signed in, you can sign out here.',
    link: '/oauth/logout',
    linkText: 'Sign out here',
  },
  unavailable: {
    title: 'Temporarily unavailable',
    detail: 'A part of the service does not answer. Wait a few seconds and reload this page.',
    link: '/help/service-status',
    linkText: 'Service status',
  },
} as const satisfies Record<string, OAuthPageText>

export type OAuthPageText = { title: string; detail: string; link: string; linkText: string }

/** Scopes as the consent page names them. */
export const scopeTexts = {
  openid: { title: 'Know who you are', description: 'Sees the id of your account.' },
  profile: { title: 'See your profile', description: 'Sees your name and language.' },
  email: { title: 'See your e-mail address', description: 'Sees it and whether it is verified.' },
  phone: { title: 'See your phone number', description: 'Sees it and whether it is verified.' },
  offline_access: {
    title: 'Stay connected',
    description: 'Keeps access while you are away, until you end it under “Connected apps”.',
  },
  'models:read': { title: 'See models', description: 'Lists the models you can use.' },
  'chat:read': {
    title: 'Read stored answers',
    description: 'Reads answers that were stored for you.',
  },
  'chat:write': {
    title: 'Use chat models',
    description: 'Sends prompts in your name; this costs credit.',
  },
  'embeddings:write': {
    title: 'Make embeddings',
    description: 'Turns texts into vectors; this costs credit.',
  },
  'images:write': { title: 'Make images', description: 'Generates images; this costs credit.' },
  'audio:write': {
    title: 'Use audio models',
    description: 'Transcribes and speaks; this costs credit.',
  },
  'usage:read': { title: 'See your usage', description: 'Reads what was used and what it cost.' },
  'keys:manage': {
    title: 'Manage API keys',
    description: 'Creates, changes and revokes your API keys. Allow this only to apps you trust.',
  },
} as const satisfies Record<string, ScopeText>

/** Under what may be allowed at a server beside the gateway: where, and that it stays there. */
export const resourceScopeText = ({ name, host }: { name: string; host: string }): string =>
  `At ${name} (${host}), and nowhere else.`

export type ScopeText = { title: string; description: string }

/** Why an app's settings were refused, beside the field. */
export const appProblemTexts = {
  malformed: 'This is not an absolute URL.',
  too_long: 'This is longer than 2,000 characters.',
  control_character: 'Spaces, control characters and backslashes are not allowed.',
  fragment: 'Leave out everything from “#” on.',
  credentials: 'Leave out user name and password.',
  wildcard: 'Wildcards are not allowed; register every address.',
  path_traversal: 'Write the path without “.” and “..” segments.',
  not_canonical: 'Write it in its normal form: lower-case scheme and host, no default port.',
  plain_http: 'Use https; plain http is for 127.0.0.1, [::1] and localhost only.',
  private_scheme_needs_native: 'Only native apps may use a scheme of their own.',
  private_scheme_needs_dot: 'Use a scheme built from a domain of yours, such as com.example.app.',
  scheme_refused: 'This scheme is never allowed.',
  unreachable:
    'We cannot connect to this address: it takes a public https address. For tests on one machine the operator can allow loopback.',
  private_key:
    'This is a private key. Register the public part only, and make a new key: this one has been on its way here.',
  key_unusable:
    'This key cannot be used. Signing keys are EC P-256, RSA of 2048 bits or more, or Ed25519.',
  keys_required:
    'private_key_jwt needs public keys: enter them, or the address where your app publishes them.',
  keys_twice: 'Enter keys or the address of keys, not both.',
  redirect_uri_required: 'The code flow needs at least one redirect URI.',
  secret_required: 'This needs a client secret; choose client_secret_basic or client_secret_post.',
  code_required: 'Refresh tokens come with the authorization_code grant.',
  unknown_scope: 'One of these scopes does not exist here.',
} as const satisfies Record<AppProblem, string>

/** Why a key was not lent for a test. */
export const notByKeyText: string = 'This app does not prove itself by a key.'

/** Why a picture was refused as a logo. */
export const logoProblemTexts = {
  too_large: 'The picture is larger than 64 KiB.',
  not_a_picture: 'This is no PNG, JPEG or WebP. Other formats, SVG among them, are not accepted.',
  broken: 'The file is damaged, or holds something else besides the picture. Export it anew.',
  animated: 'Use a picture that does not move.',
  wrong_size: 'Both sides must be between 16 and 1,024 pixels.',
} as const satisfies Record<LogoRefusal, string>

export type AppProblem = AppRefusal['reason']
