import * as http from 'node:http'
import type { Context } from '../command.ts'
import { wrongUsage } from '../trouble.ts'

const loopback = ['localhost', '127.0.0.1', '[::1]', '::1']

/** The proxy variables as the programs of this machine use them, either spelling. */
export function proxySettings(environment: NodeJS.ProcessEnv): {
  http: string | undefined
  https: string | undefined
  none: string
} {
  const read = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined
  return {
    http: read('HTTP_PROXY'),
    https: read('HTTPS_PROXY'),
    none: [read('NO_PROXY'), ...loopback].filter(Boolean).join(','),
  }
}

export type ProxyEnvironment = Record<'http_proxy' | 'https_proxy' | 'no_proxy', string>

/** For agents that take the variables; null where there is no proxy. Loopback never goes through one. */
export function proxyEnvironment(environment: NodeJS.ProcessEnv): ProxyEnvironment | null {
  const { http, https, none } = proxySettings(environment)
  if (http === undefined && https === undefined) return null
  return { http_proxy: http ?? '', https_proxy: https ?? '', no_proxy: none }
}

/** The variable whose value is no address, or null. Its value may hold a password: it is not shown. */
export function malformedProxy(environment: NodeJS.ProcessEnv): string | null {
  const { http, https } = proxySettings(environment)
  const fits = (proxy: string | undefined) =>
    proxy === undefined || (URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol))
  return fits(https) ? (fits(http) ? null : 'HTTP_PROXY') : 'HTTPS_PROXY'
}

/** Lets `fetch` of this process go through the proxies of the environment. */
export function useProxies({ environment, m }: Pick<Context, 'environment' | 'm'>): void {
  const malformed = malformedProxy(environment)
  if (malformed !== null) throw wrongUsage(m.doctor.proxyMalformed(malformed), m.doctor.proxyNext)
  const settings = proxyEnvironment(environment)
  if (settings !== null) http.setGlobalProxyFromEnv(settings)
}
