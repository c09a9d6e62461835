import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './server.ts'

export type NotesServer = {
  /** Its address, its resource indicator and all a client is told. */
  resource: string
  /** For Latchkey's LATCHKEY_RESOURCES. */
  setting: { resource: string; name: string; scopes: Record<string, string> }
  start(issuer: string): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** `examples/mcp-server` as a process of its own: what we hand to users is what is tested. */
export async function notesServer(): Promise<NotesServer> {
  const resource = `http://localhost:${await freePort()}/mcp`
  let running: ReturnType<typeof spawn> | undefined
  return {
    resource,
    setting: {
      resource,
      name: 'Notes',
      scopes: { 'notes:read': 'Read your notes', 'notes:write': 'Write notes for you' },
    },
    async start(issuer) {
      const file = join(import.meta.dirname, '../../examples/mcp-server/server.js')
      const child = spawn(process.execPath, [file], {
        env: { ...process.env, NODE_ENV: 'test', ISSUER: issuer, RESOURCE: resource },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      running = child
      await once(createInterface(child.stdout), 'line')
    },
    async [Symbol.asyncDispose]() {
      if (!running || running.exitCode !== null) return
      running.kill()
      await once(running, 'exit')
    },
  }
}

export const mcpCallback = 'http://127.0.0.1:3030/callback'

/** What a client keeps between two calls, and where it would have sent the browser. */
export type Kept = {
  client?: { client_id: string; [member: string]: unknown }
  tokens?: { access_token: string; refresh_token?: string | undefined }
  verifier?: string
  discovery?: object
  browser?: URL
  state?: string
}

/** An `OAuthClientProvider` of either generation of the SDK, with everything in plain sight. */
export function keeper(
  kept: Kept,
  grantTypes: string[] = ['authorization_code', 'refresh_token'],
  /** Where the client describes itself (client ID metadata document), for one that registers nowhere. */
  clientMetadataUrl?: string,
) {
  return {
    ...(clientMetadataUrl === undefined ? {} : { clientMetadataUrl }),
    redirectUrl: mcpCallback,
    clientMetadata: {
      client_name: 'Notes client',
      redirect_uris: [mcpCallback],
      grant_types: grantTypes,
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state() {
      kept.state = crypto.randomUUID()
      return kept.state
    },
    clientInformation: () => kept.client,
    saveClientInformation(client: NonNullable<Kept['client']>) {
      kept.client = client
    },
    tokens: () => kept.tokens as never,
    saveTokens(tokens: NonNullable<Kept['tokens']>) {
      kept.tokens = tokens
    },
    redirectToAuthorization(url: URL) {
      kept.browser = url
    },
    saveCodeVerifier(verifier: string) {
      kept.verifier = verifier
    },
    codeVerifier: () => kept.verifier ?? '',
    saveDiscoveryState(state: object) {
      kept.discovery = state
    },
    discoveryState: () => kept.discovery as never,
    invalidateCredentials(what: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery') {
      if (what === 'all' || what === 'client') delete kept.client
      if (what === 'all' || what === 'tokens') delete kept.tokens
      if (what === 'all' || what === 'discovery') delete kept.discovery
    },
  }
}
