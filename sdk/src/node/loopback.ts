import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Account, Auth } from '../auth.ts'
import { ProviderMisconfigured, SignInFailed } from '../errors/errors.ts'
import type { Locale } from '../errors/messages.ts'
import type { DevicePrompt } from '../sign-in/device.ts'
import { hasBrowser, openBrowser } from './browser.ts'

export type LoopbackOptions = {
  account?: string
  scopes?: string[]
  /** Further parameters of the authorization request. */
  parameters?: Record<string, string>
  /** Called with the link, to print it: opening a browser may fail unseen. */
  onLink: (link: string) => void
  /** Default: the system's browser, where there is one. */
  open?: (link: string) => void
  /** `localhost` for providers that refuse the address (RFC 8252 section 7.3 wants the address). */
  host?: '127.0.0.1' | 'localhost'
  /** For providers that compare the port, too. Default: a free one. */
  port?: number
  /** Path of the registered redirect URI. Default `/callback`. */
  path?: string
  /** Default five minutes. */
  timeoutMs?: number
  /** Language of the page the browser ends on. Default: that of the error texts. */
  locale?: Locale
  signal?: AbortSignal
}

/**
 * Signs in through the browser of the person at this machine (RFC 8252): listens on a free port of
 * the loopback interface for one callback with the right state, and closes after it or in time.
 */
export async function signInByLoopback(auth: Auth, options: LoopbackOptions): Promise<Account> {
  const host = options.host ?? '127.0.0.1'
  const path = options.path ?? '/callback'
  const locale = options.locale ?? auth.locale
  options.signal?.throwIfAborted()
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  try {
    const { url, transaction } = await auth.beginSignIn({
      redirectUri: `http://${host}:${port}${path}`,
      ...(options.account === undefined ? {} : { account: options.account }),
      ...(options.scopes === undefined ? {} : { scopes: options.scopes }),
      ...(options.parameters === undefined ? {} : { parameters: options.parameters }),
    })
    return await new Promise<Account>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new SignInFailed('sign_in_timeout', {}, { locale, helpBase: null })),
        options.timeoutMs ?? 300_000,
      )
      const aborted = () => reject(options.signal?.reason)
      options.signal?.addEventListener('abort', aborted, { once: true })
      let taken = false
      server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        const callback = new URL(request.url ?? '/', `http://${host}:${port}`)
        const ours =
          request.method === 'GET' &&
          request.headers.host === `${host}:${port}` && // no rebound name
          callback.pathname === path &&
          callback.searchParams.get('state') === transaction.state
        if (!ours || taken) return answer(response, 404, 'unknown', locale)
        taken = true
        const finished = auth.finishSignIn(transaction, callback)
        finished.then(
          () => answer(response, 200, 'done', locale),
          () => answer(response, 400, 'failed', locale),
        )
        // The page has to be on its way before the listener closes.
        response.once('close', () => {
          clearTimeout(late)
          options.signal?.removeEventListener('abort', aborted)
          finished.then(resolve, reject)
        })
      })
      options.onLink(url.href)
      if (options.open) options.open(url.href)
      else if (hasBrowser()) openBrowser(url.href)
    })
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

export type TerminalOptions = Omit<LoopbackOptions, 'onLink'> & {
  /** Prints either the link, or the link and code of a device sign-in. */
  onPrompt: (prompt: { link: string } | DevicePrompt) => void
  /** Default: whether a browser can be expected here; false over SSH and in CI. */
  browser?: boolean
}

/** Loopback where there is a browser, device code where there is none and the provider offers it. */
export async function signInAtTerminal(auth: Auth, options: TerminalOptions): Promise<Account> {
  const { onPrompt, browser = hasBrowser(), ...rest } = options
  const loopback = () => signInByLoopback(auth, { ...rest, onLink: (link) => onPrompt({ link }) })
  if (browser) return loopback()
  try {
    return await auth.signInByDevice({ ...rest, onPrompt })
  } catch (error) {
    // No device code on offer: the link works in any browser that reaches this machine's port.
    if (error instanceof ProviderMisconfigured) return loopback()
    throw error
  }
}

const pages: Record<Locale, Record<'done' | 'failed' | 'unknown', string>> = {
  en: {
    done: 'You are signed in. You can close this page and go back to the terminal.',
    failed: 'The sign-in did not work. The terminal says why; start it again there.',
    unknown: 'There is no sign-in waiting here.',
  },
  zh: {
    done: '登录成功。您可以关闭此页面，返回终端。',
    failed: '登录未成功，原因请见终端，请在终端重新开始。',
    unknown: '此处没有等待中的登录。',
  },
}

function answer(
  response: ServerResponse,
  status: number,
  page: keyof (typeof pages)['en'],
  locale: Locale,
): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  })
  const language = locale === 'zh' ? 'zh-CN' : 'en'
  response.end(
    `<!doctype html><html lang="${language}"><title>Latchkey</title><p>${pages[locale][page]}</p></html>`,
  )
}
