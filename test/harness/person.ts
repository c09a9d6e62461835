import assert from 'node:assert/strict'

type Answer<T> = {
  status: number
  headers: Headers
  body: T
}

/**
 * A person at a browser, without the browser: keeps cookies, sends the Origin of the console, speaks
 * JSON. Redirects are not followed, so that a test sees each step.
 */
export class Person {
  readonly cookies = new Map<string, string>()
  readonly #origin: string
  /** What this person signed in with, to prove it again where that is asked; null: they cannot. */
  password: string | null = null

  constructor(origin: string) {
    this.#origin = origin
  }

  /** As the console does it: what needs a recent proof is proven and sent again. */
  async request<T = unknown>(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer<T>> {
    const answer = await this.#send<T>(method, path, options)
    const { code } = (answer.body ?? {}) as { code?: string }
    const { password } = options.body === undefined ? {} : (options.body as { password?: string })
    if (method === 'POST' && path === '/api/sessions' && answer.status === 201)
      this.password = password ?? null
    if (answer.status !== 403 || code !== 'reauth_required' || this.password === null) return answer
    await this.#send('POST', '/api/sessions/current/prove', { body: { password: this.password } })
    return this.#send<T>(method, path, options)
  }

  async #send<T>(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer<T>> {
    const response = await fetch(new URL(path, this.#origin), {
      method,
      redirect: 'manual',
      headers: {
        origin: this.#origin,
        ...(this.cookies.size > 0
          ? { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
          : {}),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    const text = await response.text()
    const json = response.headers.get('content-type')?.includes('json')
    return {
      status: response.status,
      headers: response.headers,
      body: (json && text !== '' ? JSON.parse(text) : text) as T,
    }
  }

  get<T = unknown>(path: string, headers?: Record<string, string>): Promise<Answer<T>> {
    return this.request<T>('GET', path, headers ? { headers } : {})
  }

  post<T = unknown>(path: string, body: unknown = {}): Promise<Answer<T>> {
    return this.request<T>('POST', path, { body })
  }

  /** Like `request`, and fails the test unless the status is the one expected. */
  async expect<T = unknown>(
    status: number,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<T> {
    const answer = await this.request<T>(method, path, body === undefined ? {} : { body })
    assert.equal(
      answer.status,
      status,
      `${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`,
    )
    return answer.body
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';')
    const at = pair.indexOf('=')
    const name = pair.slice(0, at).trim()
    const value = pair.slice(at + 1).trim()
    const gone = attributes.some((attribute) => /^\s*max-age=0\s*$/i.test(attribute))
    const expired = attributes.some((attribute) => {
      const date = /^\s*expires=(.*)$/i.exec(attribute)?.[1]
      return date !== undefined && Date.parse(date) <= Date.now()
    })
    if (gone || expired || value === '') this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

type OutboxItem = { to: string; kind: string; code?: string; link?: string; text: string }

/** The newest message of this kind to this address, from the development outbox. */
export async function mailTo(origin: string, to: string, kind?: string): Promise<OutboxItem> {
  const { body: items } = await new Person(origin).get<OutboxItem[]>('/dev/outbox')
  const found = items.find((item) => item.to === to && (kind === undefined || item.kind === kind))
  assert.ok(found, `no ${kind ?? ''} message to ${to} in the outbox`)
  return found
}

let people = 0

/** A verified, signed-in account of its own. */
export async function signedUp(
  origin: string,
  options: { name?: string; email?: string; password?: string } = {},
): Promise<{ person: Person; email: string; password: string; accountId: string }> {
  const email = options.email ?? `person${++people}.${process.pid}@example.com`
  const password = options.password ?? 'quiet harbour lantern 42'
  const person = new Person(origin)
  await person.expect(202, 'POST', '/api/accounts', {
    name: options.name ?? 'Ada Example',
    email,
    password,
  })
  const { code } = await mailTo(origin, email, 'verify_email')
  await person.expect(204, 'POST', '/api/accounts/verify', { email, code })
  const account = await person.expect<{ id: string }>(201, 'POST', '/api/sessions', {
    email,
    password,
  })
  return { person, email, password, accountId: account.id }
}
