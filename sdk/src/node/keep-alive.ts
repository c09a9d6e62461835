// biome-ignore lint/suspicious/noTsIgnore: an error is expected only where the peer is not installed
/** @ts-ignore: an optional peer, and `any` without it */
import type { Dispatcher } from 'undici'
import { ProviderMisconfigured } from '../errors/errors.ts'
import type { Fetch } from '../provider/wire.ts'

export type KeepAliveOptions = {
  /**
   * How long an idle connection is kept where the server gives no hint. Default 50 000: below the
   * minute after which many proxies and load balancers drop one. Node's own is 4 000.
   */
  idleMs?: number
  /** Connections per origin. Default: as many as there are requests at once. */
  connections?: number
  /** Without a byte of the answer, then without the next one. Default ten minutes: models think. */
  silenceMs?: number
}

/**
 * A connection pool that outlasts idle gaps: a request after half a minute of quiet finds its
 * connection, and saves the two round trips of a new one. Hints of the server (`Keep-Alive: timeout`)
 * are obeyed; HTTP_PROXY, HTTPS_PROXY and NO_PROXY, too. Needs the package `undici` in the major
 * version that this Node brings along, because its pool serves Node's own `fetch`.
 */
export async function keepAliveDispatcher(options: KeepAliveOptions = {}): Promise<Dispatcher> {
  const { EnvHttpProxyAgent, version } = await loadUndici()
  const bundled = process.versions.undici ?? ''
  if (major(version) !== major(bundled))
    throw misfit(`undici ${version} does not fit this Node, which has ${bundled}`)
  const silence = options.silenceMs ?? 600_000
  return new EnvHttpProxyAgent({
    keepAliveTimeout: options.idleMs ?? 50_000,
    keepAliveMaxTimeout: 600_000,
    headersTimeout: silence,
    bodyTimeout: silence,
    ...(options.connections === undefined ? {} : { connections: options.connections }),
  })
}

export type KeepAliveFetch = Fetch & {
  /** Lets requests under way finish, then closes the connections. */
  close(): Promise<void>
}

/**
 * `fetch` over a pool of its own, made at the first call. For `createAuth({ fetch })` and
 * `account.fetch({ fetch })`.
 */
export function keepAliveFetch(options: KeepAliveOptions = {}): KeepAliveFetch {
  let pool: Promise<Dispatcher> | null = null
  const send: Fetch = async (input, init) => {
    pool ??= keepAliveDispatcher(options)
    // `dispatcher` is undici's own addition to the standard's options.
    return fetch(input, { ...init, dispatcher: await pool } as unknown as RequestInit)
  }
  return Object.assign(send, {
    async close() {
      const closing = pool
      pool = null
      await (await closing)?.close()
    },
  })
}

async function loadUndici() {
  try {
    const undici = await import('undici')
    const { default: manifest } = await import('undici/package.json', { with: { type: 'json' } })
    return { EnvHttpProxyAgent: undici.EnvHttpProxyAgent, version: manifest.version as string }
  } catch (cause) {
    throw misfit(`npm install undici@${major(process.versions.undici ?? '8')}`, cause)
  }
}

const major = (version: string): string => version.split('.')[0] ?? ''
const misfit = (detail: string, cause?: unknown) =>
  new ProviderMisconfigured('provider_misconfigured', { detail, cause })
