import { type GatewayScope, gatewayScopes, identityScopes } from './access-token.ts'

export type Scope = GatewayScope | (typeof identityScopes)[number]

const known = new Set<string>([...identityScopes, ...gatewayScopes])

export const isScope = (text: string): text is Scope => known.has(text)

export const isIdentityScope = (text: string): boolean =>
  (identityScopes as readonly string[]).includes(text)

export const isGatewayScope = (text: string): text is GatewayScope =>
  (gatewayScopes as readonly string[]).includes(text)

/** RFC 6749 section 3.3: space-delimited, order and repetition mean nothing. */
export const scopeList = (text: string | undefined): string[] => [
  ...new Set((text ?? '').split(' ').filter((scope) => scope !== '')),
]

/** What an app may ask for when its owner did not say: everything but the phone number and keys. */
export const defaultAppScope = [...identityScopes, ...gatewayScopes]
  .filter((scope) => scope !== 'phone' && scope !== 'keys:manage')
  .join(' ')

export const covers = (granted: readonly string[], asked: readonly string[]): boolean =>
  asked.every((scope) => granted.includes(scope))
