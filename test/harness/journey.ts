import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { mailTo, Person } from './person.ts'
import type { TestServer } from './server.ts'

export type Key = { id: string; secret: string; hint: string; project_id: string }

/** The account's first project. */
export async function projectOf(person: Person): Promise<string> {
  const { items } = await person.expect<{ items: { id: string }[] }>(200, 'GET', '/api/projects')
  const first = items[0]
  assert.ok(first, 'a new account has a project')
  return first.id
}

export async function createKey(person: Person, fields: object = {}): Promise<Key> {
  const project = await projectOf(person)
  return person.expect<Key>(201, 'POST', `/api/projects/${project}/keys`, {
    name: 'Laptop',
    ...fields,
  })
}

/** The official client, unchanged but for base URL and key; it does not repeat by itself here. */
export const openai = (server: TestServer, apiKey: string) =>
  new OpenAI({ baseURL: `${server.origin}/v1`, apiKey, maxRetries: 0 })

export const hello = {
  model: 'latchkey-demo',
  messages: [{ role: 'user' as const, content: 'Hello there' }],
}

/** Real time, but for what this process was kept waiting by itself and by others on the machine. */
const ran = { ms: 0, last: performance.now() }
const tickMs = 20
setInterval(() => {
  const now = performance.now()
  ran.ms += Math.min(now - ran.last, 2 * tickMs)
  ran.last = now
}, tickMs).unref()

/**
 * Polls until `probe` answers something; fails with `what` after `withinMs` of the time this process
 * ran, so that a busy machine is not taken for a slow server.
 */
export async function eventually<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const end = ran.ms + withinMs
  for (;;) {
    const found = await probe()
    if (found) return found
    assert.ok(ran.ms < end, `${what} did not happen within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, tickMs))
  }
}

/** The first operator, by the one-time link that the first start prints. */
export async function operatorOf(server: TestServer): Promise<Person> {
  const link = server.welcome.operatorLink
  assert.ok(link, 'the first start mints an operator link')
  const person = new Person(server.origin)
  const password = 'orchard granite whistle 77'
  await person.expect(201, 'POST', '/api/operator/claim', {
    token: link.slice(link.indexOf('#') + 1),
    name: 'Olga Operator',
    email: 'olga@example.com',
    password,
  })
  person.password = password
  return person
}

export { mailTo }
