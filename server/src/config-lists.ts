import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { Secret } from '#platform/crypto/secret.ts'
import { gatewayScopes, identityScopes } from './oauth/access-token.ts'

// The two settings that are lists, in the environment or in a file of their own.

/** One OpenAI-compatible server. Prices are micro-units per million tokens. */
export type UpstreamSetting = Readonly<{
  name: string
  baseUrl: string
  apiKey: Secret | null
  models: readonly string[]
  prices: Readonly<Record<string, ModelPrice>>
  weight: number
  priority: number
}>

export type ModelPrice = Readonly<{ input: number; cachedInput: number; output: number }>

/** A server beside the gateway that takes our access tokens, such as an MCP server. */
export type ResourceSetting = Readonly<{
  /** Its resource indicator (RFC 8707), which is the `aud` of its tokens. */
  resource: string
  /** What people call it, on the consent page. */
  name: string
  /** What may be allowed there, in the words of the consent page. */
  scopes: Readonly<Record<string, Readonly<{ en: string; zh: string }>>>
  /** The app as which it asks about tokens for itself (RFC 7662); null: it does not ask. */
  clientId: string | null
}>

/** What is wrong with a setting, to be said behind its name. */
export class Complaint extends Error {}

const price = z.strictObject({
  input: z.int().nonnegative(),
  cached_input: z.int().nonnegative().optional(),
  output: z.int().nonnegative(),
})

const isPlainUrl = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && `${url.username}${url.password}${url.search}${url.hash}` === ''
}

const upstreamList = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[\w.-]{1,60}$/),
      // Credentials, query and fragment would end up in texts about the upstream; the key has its own field.
      base_url: z.url({ protocol: /^https?$/ }).refine(isPlainUrl),
      api_key: z.string().min(1).optional(),
      models: z.array(z.string().min(1)).min(1),
      prices: z.record(z.string(), price).optional(),
      weight: z.number().positive().optional(),
      priority: z.int().nonnegative().optional(),
    }),
  )
  .min(1)

/** `LATCHKEY_UPSTREAMS`. */
export function parseUpstreams(text: string): UpstreamSetting[] {
  const list = parseList(text, upstreamList)
  // A price under a mistyped name would make its model free.
  const mispriced = list.find(({ models, prices = {} }) =>
    Object.keys(prices).some((model) => !models.includes(model)),
  )
  if (mispriced) throw new Complaint(`prices a model that ${mispriced.name} does not list`)
  if (new Set(list.map((entry) => entry.name)).size !== list.length)
    throw new Complaint('names two upstreams alike')
  return list.map((entry) => ({
    name: entry.name,
    baseUrl: entry.base_url.replace(/\/+$/, ''),
    apiKey: entry.api_key === undefined ? null : new Secret(entry.api_key),
    models: entry.models,
    prices: Object.fromEntries(
      Object.entries(entry.prices ?? {}).map(([model, { input, cached_input, output }]) => [
        model,
        { input, cachedInput: cached_input ?? input, output },
      ]),
    ),
    weight: entry.weight ?? 1,
    priority: entry.priority ?? 0,
  }))
}

const ourScopes: readonly string[] = [...identityScopes, ...gatewayScopes]
const words = z.string().trim().min(1).max(120)

const resourceList = z
  .array(
    z.strictObject({
      // RFC 8707 section 2: absolute, without fragment; a query is left out as it advises.
      resource: z
        .url({ protocol: /^https?$/ })
        .max(200)
        .refine((text) => isPlainUrl(text) && [text, `${text}/`].includes(new URL(text).href)),
      name: z.string().trim().min(1).max(60),
      // RFC 6749 section 3.3. One of our own names would mean two things in one request.
      scopes: z
        .record(
          z
            .string()
            .regex(/^[\w.:/-]{1,60}$/)
            .refine((scope) => !ourScopes.includes(scope)),
          z.union([words, z.strictObject({ en: words, zh: words })]),
        )
        .refine((scopes) => Object.keys(scopes).length > 0),
      client_id: z
        .string()
        .regex(/^app_\w{1,60}$/)
        .optional(),
    }),
  )
  .min(1)

/** `LATCHKEY_RESOURCES`. `origin` is ours: what lies there is the gateway's, or nobody's. */
export function parseResources(text: string, origin: string): ResourceSetting[] {
  const list = parseList(text, resourceList)
  const places = list.map(({ resource }) => new URL(resource))
  if (places.some((url) => url.origin === origin))
    throw new Complaint('names a resource at the address of Latchkey itself')
  if (new Set(places.map(({ href }) => href)).size !== places.length)
    throw new Complaint('names a resource twice')
  return list.map(({ resource, name, scopes, client_id = null }) => ({
    resource,
    name,
    clientId: client_id,
    scopes: Object.fromEntries(
      Object.entries(scopes).map(([scope, said]) => [
        scope,
        typeof said === 'string' ? { en: said, zh: said } : said,
      ]),
    ),
  }))
}

/** A JSON list, or what the file of that name holds. */
function parseList<T>(text: string, form: z.ZodType<T>): T {
  const json = /^\s*\[/.test(text) ? text : readSettingFile(text)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw new Complaint('is neither a JSON list nor the path of one')
  }
  const parsed = form.safeParse(value)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map((issue) => issue.path.join('.') || 'list').join(', ')
  throw new Complaint(`has wrong or missing members: ${where}`)
}

function readSettingFile(path: string): string {
  if (!existsSync(path)) throw new Complaint('is neither a JSON list nor the path of one')
  return readFileSync(path, 'utf8')
}
