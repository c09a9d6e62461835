/** A name and its value as they stand in a query, a form, a header or an answer. */
export type Field = { name: string; value: string }

export const stepIds = [
  'push',
  'authorize',
  'token',
  'device',
  'poll',
  'machine',
  'userinfo',
  'models',
  'chat',
  'introspect',
  'refresh',
  'present_again',
  'revoke',
  'logout',
  'check',
] as const
export type StepId = (typeof stepIds)[number]

/** One request as it goes out. A form or a JSON body, never both. */
export type WireRequest = {
  method: 'GET' | 'POST'
  /** Absolute, without the query. */
  url: string
  query: readonly Field[]
  headers: readonly Field[]
  form: readonly Field[] | null
  json: unknown
  /** A navigation of the person's browser instead of a call. */
  navigates: boolean
}

export type WireResponse = {
  /** 0: no answer came; for a navigation 302, which is what sent the browser back. */
  status: number
  headers: readonly Field[]
  /** The members of a JSON answer, or the parameters of the address that the browser came back to. */
  members: readonly Field[]
  /** The JSON as it came, or the text where it was none. */
  body: unknown
}

export const encodedQuery = (fields: readonly Field[]): string =>
  new URLSearchParams(fields.map(({ name, value }) => [name, value])).toString()

export const fullUrl = ({ url, query }: Pick<WireRequest, 'url' | 'query'>): string =>
  query.length === 0 ? url : `${url}?${encodedQuery(query)}`

export const valueNamed = (fields: readonly Field[], name: string): string | undefined =>
  fields.find((field) => field.name === name)?.value

/** The members of an answer one level deep; what is not text is shown as JSON. */
export const membersOf = (body: unknown): Field[] =>
  typeof body !== 'object' || body === null || Array.isArray(body)
    ? []
    : Object.entries(body).map(([name, value]) => ({
        name,
        value: typeof value === 'string' ? value : JSON.stringify(value),
      }))

/** How an answer refuses: OAuth's shape (RFC 6749 section 5.2), or OpenAI's at the gateway. */
export type Refused = {
  code: string
  description: string
  /** Why a grant is no longer good. */
  reason: string | null
  /** Address of the help article, as the answer named it. */
  help: string | null
}

export function refusalOf({ status, members, body }: WireResponse): Refused | null {
  const error = (body as { error?: unknown } | null)?.error
  if (typeof error === 'object' && error !== null) {
    const inner = membersOf(error)
    return {
      code: valueNamed(inner, 'code') ?? String(status),
      description: valueNamed(inner, 'message') ?? '',
      reason: null,
      help: valueNamed(inner, 'help') ?? null,
    }
  }
  const code = valueNamed(members, 'error')
  if (code === undefined && status !== 0 && status < 400) return null
  return {
    code: code ?? (status === 0 ? 'network' : String(status)),
    description: valueNamed(members, 'error_description') ?? '',
    reason: valueNamed(members, 'reason') ?? null,
    help: valueNamed(members, 'help') ?? null,
  }
}
