/** Clients that ship no types: what the witnesses touch of them. */
declare module 'simple-oauth2' {
  type Settings = {
    client: { id: string; secret: string }
    auth: { tokenHost: string; tokenPath?: string; revokePath?: string; authorizePath?: string }
    options?: { authorizationMethod?: 'header' | 'body' }
  }
  export class AccessToken {
    token: { access_token: string; refresh_token?: string; expires_at: Date; scope?: string }
    expired(windowSeconds?: number): boolean
    refresh(parameters?: Record<string, string>): Promise<AccessToken>
    revoke(type: 'access_token' | 'refresh_token'): Promise<void>
    revokeAll(): Promise<void>
  }
  export class AuthorizationCode {
    constructor(settings: Settings)
    authorizeURL(parameters: Record<string, string>): string
    getToken(parameters: Record<string, string>): Promise<AccessToken>
    createToken(token: object): AccessToken
  }
  export class ClientCredentials {
    constructor(settings: Settings)
    getToken(parameters: Record<string, string>): Promise<AccessToken>
  }
}

declare module 'passport' {
  import type { IncomingMessage, ServerResponse } from 'node:http'
  export type Middleware = (
    request: IncomingMessage,
    response: ServerResponse,
    next: (error?: Error) => void,
  ) => void
  type Outcome = (error: Error | null, user?: unknown, info?: unknown) => void
  export class Passport {
    use(strategy: object): this
    initialize(): Middleware
    authenticate(name: string, options: object, done: Outcome): Middleware
  }
}

declare module 'passport-openidconnect' {
  type Profile = { id: string; displayName?: string; emails?: { value: string }[] }
  export default class Strategy {
    constructor(
      options: Record<string, unknown>,
      verify: (
        issuer: string,
        profile: Profile,
        context: object,
        idToken: string,
        accessToken: string,
        refreshToken: string | undefined,
        done: (error: Error | null, user?: unknown) => void,
      ) => void,
    )
  }
}
