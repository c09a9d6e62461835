import type { Locale } from '../../../messages/messages.ts'
import { resourceScopeText, scopeTexts } from '../../../messages/oauth.ts'
import type { ResourceSetting } from '../../config.ts'
import { gatewayScopes, identityScopes } from '../access-token.ts'
import { isGatewayScope, isScope } from '../scopes.ts'

/** Where a token is good (RFC 8707), and nowhere else. */
export type ProtectedResource = {
  /** The `aud` of its tokens. */
  identifier: string
  /** Null for the gateway, which needs no introduction. */
  shown: { name: string; host: string } | null
  scopes: readonly string[]
}

/**
 * The resources there are: the gateway, and what the operator listed. Which clients may ask for a
 * scope of theirs: the gateway's only those that have it among their own; another resource's any,
 * for self-registered clients name their scopes before they know them, and a person is asked anyway.
 */
export type Resources = {
  gateway: string
  /**
   * By the indicator a client sent. A bare origin means the same with and without its slash, which
   * clients that parse and print URLs add.
   */
  find(indicator: string): ProtectedResource | null
  /** Whether this client is the server that tokens of this audience are for. */
  isServedBy(audience: string, clientId: string): boolean
  /** What a client with these scopes of its own may be granted there, identity included. */
  ceiling(resource: ProtectedResource, own: readonly string[]): string[]
  /** A scope in the words of the consent page; null for what means nothing there. */
  describe(
    indicator: string,
    scope: string,
    locale: Locale,
  ): { name: string; title: string; description: string } | null
}

export function openResources(gateway: string, settings: readonly ResourceSetting[]): Resources {
  const gatewayItself: ProtectedResource = {
    identifier: gateway,
    shown: null,
    scopes: gatewayScopes,
  }
  const others = new Map(
    settings.map((setting) => [
      new URL(setting.resource).href,
      {
        setting,
        found: {
          identifier: setting.resource,
          shown: { name: setting.name, host: new URL(setting.resource).host },
          scopes: Object.keys(setting.scopes),
        },
      },
    ]),
  )
  const other = (indicator: string) => {
    const href = URL.parse(indicator)?.href
    return href === indicator || href === `${indicator}/` ? others.get(href) : undefined
  }
  return {
    gateway,
    find: (indicator) =>
      indicator === gateway ? gatewayItself : (other(indicator)?.found ?? null),
    isServedBy(audience, clientId) {
      const { setting } = other(audience) ?? {}
      return setting?.resource === audience && setting.clientId === clientId
    },
    ceiling({ identifier, scopes }, own) {
      const identity = identityScopes.filter((scope) => own.includes(scope))
      return identifier === gateway
        ? [...identity, ...gatewayScopes.filter((scope) => own.includes(scope))]
        : [...identity, ...scopes]
    },
    describe(indicator, scope, locale) {
      const at = other(indicator)
      const said = at?.setting.scopes[scope]
      if (at && said)
        return {
          name: scope,
          title: said[locale],
          description: resourceScopeText[locale](at.found.shown),
        }
      if (!isScope(scope) || (at && isGatewayScope(scope))) return null
      return { name: scope, ...scopeTexts[locale][scope] }
    },
  }
}
