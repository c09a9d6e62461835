import { z } from 'zod'
import type { ResourceSetting } from '../../../server/src/config.ts'
import { second } from '../../../server/src/platform/clock/clock.ts'
import type { Observation } from '../doctor/finding.ts'

const Metadata = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.string()).default([]),
  scopes_supported: z.array(z.string()).default([]),
})

/**
 * Whether a server of LATCHKEY_RESOURCES says of itself what we say of it (RFC 9728 section 3): clients
 * that find us by discovery go by what it says.
 */
export async function resourceFinding(
  { name, resource, scopes }: ResourceSetting,
  origin: string,
): Promise<Observation> {
  const part = `resource ${name}`
  const { pathname } = new URL(resource)
  const well = new URL('/.well-known/oauth-protected-resource', resource)
  if (pathname !== '/') well.pathname += pathname
  try {
    const response = await fetch(well, { signal: AbortSignal.timeout(5 * second) })
    if (!response.ok) {
      await response.body?.cancel()
      const what = `${well} answers ${response.status}: MCP clients find us by it (RFC 9728)`
      return { part, result: 'warn', what }
    }
    const said = Metadata.safeParse(await response.json())
    if (!said.success) return { part, result: 'fail', what: `${well} is no RFC 9728 metadata` }
    if (said.data.resource !== resource)
      return { part, result: 'fail', what: `calls itself ${said.data.resource}, not ${resource}` }
    if (!said.data.authorization_servers.includes(origin))
      return { part, result: 'fail', what: `does not name ${origin} in authorization_servers` }
    const unknown = said.data.scopes_supported.filter((scope) => !(scope in scopes))
    return unknown.length > 0
      ? { part, result: 'fail', what: `asks for scopes that are not listed: ${unknown.join(' ')}` }
      : { part, result: 'ok', what: 'names us' }
  } catch (error) {
    const { cause, name: kind } = error as { cause?: { code?: string }; name: string }
    const why = kind === 'TimeoutError' ? 'no answer within 5 s' : (cause?.code ?? 'no connection')
    return { part, result: 'fail', what: `${why}: is it running, and is resource right?` }
  }
}
