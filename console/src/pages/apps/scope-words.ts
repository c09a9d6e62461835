import type { Messages } from '../../messages/messages.tsx'
import { named } from '../../messages/named.ts'

/** A scope in a few plain words. */
export const scopeWords = (m: Messages, scope: string): string =>
  named({ ...m.keys.scopeNames, ...m.apps.scopeNames }, scope)

export const identityScopes = ['openid', 'profile', 'email', 'phone', 'offline_access'] as const
