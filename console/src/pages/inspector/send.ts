import {
  encodedQuery,
  type Field,
  fullUrl,
  membersOf,
  type WireRequest,
  type WireResponse,
} from './wire.ts'

export type Sent = { response: WireResponse; ms: number }

/**
 * Sends a request as an app would: without cookies, and told apart from the console's own calls by
 * nothing else. An answer is an answer whatever its status; none at all is status 0.
 */
export async function send(request: WireRequest): Promise<Sent> {
  const began = performance.now()
  try {
    const answer = await fetch(fullUrl(request), {
      method: request.method,
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'manual',
      headers: request.headers.map(({ name, value }) => [name, value]),
      ...(request.form ? { body: encodedQuery(request.form) } : {}),
      ...(request.json === null ? {} : { body: JSON.stringify(request.json) }),
    })
    const text = await answer.text()
    const ms = performance.now() - began
    return { response: responseOf(answer, text), ms }
  } catch {
    const response = { status: 0, headers: [], members: [], body: '' }
    return { response, ms: performance.now() - began }
  }
}

function responseOf(answer: Response, text: string): WireResponse {
  const { status } = answer
  const headers = [...answer.headers].map(([name, value]): Field => ({ name, value }))
  if (/\bjson\b/.test(answer.headers.get('content-type') ?? ''))
    try {
      const body: unknown = JSON.parse(text)
      return { status, headers, members: membersOf(body), body }
    } catch {
      // said to be JSON and is not: shown as it came
    }
  return { status, headers, members: pageError(text), body: text }
}

/** A page for people that says no carries the code of the refusal, and what it means to developers. */
function pageError(html: string): Field[] {
  const [, code, detail] = /<code>([a-z_]+)(?:: ([^<]*))?<\/code>/.exec(html) ?? []
  if (!code) return []
  const description = detail?.replaceAll('&#39;', "'").replaceAll('&quot;', '"')
  return [
    { name: 'error', value: code },
    ...(description ? [{ name: 'error_description', value: description }] : []),
  ]
}

/** The parameters that the browser came back with, as the answer to a navigation. */
export const answerAt = (search: string): WireResponse => ({
  status: 303,
  headers: [],
  members: [...new URLSearchParams(search)].map(([name, value]) => ({ name, value })),
  body: null,
})
