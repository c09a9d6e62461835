/**
 * Headers of every answer. The console's scripts and styles are files of ours, so nothing inline is
 * allowed; nobody may frame us; COOP keeps a page that opened us from holding our window.
 */
export const pageHeaders = (origin: string): readonly (readonly [string, string])[] => [
  [
    'content-security-policy',
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  ],
  ['cross-origin-opener-policy', 'same-origin'],
  ['referrer-policy', 'no-referrer'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=()'],
  ...(origin.startsWith('https://')
    ? [['strict-transport-security', 'max-age=31536000; includeSubDomains'] as const]
    : []),
]
