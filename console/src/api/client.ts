import { currentLocale } from '../messages/locale.ts'
import type { Operations } from './schema.ts'

export type Operation = keyof Operations
export type Answer<O extends Operation> = Operations[O]['answer']
type Input<O extends Operation> = Omit<Operations[O], 'answer'>
type Arguments<O extends Operation> =
  Record<string, never> extends Input<O> ? [input?: Input<O>] : [input: Input<O>]

/**
 * A refusal as the server words it, in the reader's language (RFC 9457). `status` 0 and code
 * `network` mean that no answer came; its text comes from our own catalogue.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  /** Own path of the help article, or null. */
  readonly help: string | null
  readonly fields: readonly { field: string; code: string; message: string }[]
  readonly requestId: string | null
  /** Members of this problem alone (RFC 9457 section 3.2), as they came. */
  readonly members: Readonly<Record<string, unknown>>

  constructor(status: number, body: Partial<ProblemBody>) {
    super(body.code ?? 'network')
    this.status = status
    this.code = body.code ?? (status === 0 ? 'network' : 'internal_error')
    this.title = body.title ?? ''
    this.detail = body.detail ?? ''
    this.help = ownPath(body.help)
    this.fields = body.errors ?? []
    this.requestId = body.request_id ?? null
    this.members = body
  }
}

type ProblemBody = {
  code: string
  title: string
  detail: string
  help: string
  request_id: string
  errors: { field: string; code: string; message: string }[]
}

/** Called when the session is gone; the shell decides what to show. */
let onSignedOut: () => void = () => {}
export const whenSignedOut = (listener: () => void) => {
  onSignedOut = listener
}

/** How many pages want to stay though the session is gone: what they show is not the account's. */
let staying = 0
export function stayWhenSignedOut(): () => void {
  staying++
  return () => void staying--
}

/**
 * Asks the person for the password where a call needs a recent proof, and sends it; the shell sets
 * it. False: they would rather not.
 */
let proveAgain: () => Promise<boolean> = async () => false
export const whenProofIsNeeded = (ask: () => Promise<boolean>) => {
  proveAgain = ask
}

/** The question that is open now, and how often it was answered well. */
let asking: Promise<boolean> | null = null
let proofs = 0
const prove = 'POST /api/sessions/current/prove'

/**
 * Like {@link callOnce}; what needs a recent proof is sent again after the person has given it, and
 * so is what was underway with the session id that the proof replaced.
 */
export async function call<O extends Operation>(
  operation: O,
  ...input: Arguments<O>
): Promise<Answer<O>> {
  const proofsBefore = proofs
  try {
    return await callOnce(operation, ...input)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'reauth_required') {
      asking ??= proveAgain().finally(() => {
        asking = null
      })
      if (!(await asking)) throw error
      proofs++
      return callOnce(operation, ...input)
    }
    if (error.code === 'sign_in_required') {
      if (operation !== prove && asking) await asking
      if (proofs !== proofsBefore) return callOnce(operation, ...input)
      if (staying === 0) onSignedOut()
    }
    throw error
  }
}

/**
 * Calls one operation of our API, named as in the OpenAPI document, and answers its success body.
 * Throws a {@link Refusal} otherwise. The session cookie goes along; nothing is retried here.
 */
async function callOnce<O extends Operation>(
  operation: O,
  ...[input]: Arguments<O>
): Promise<Answer<O>> {
  const { params, query, body } = (input ?? {}) as {
    params?: Record<string, string>
    query?: Record<string, unknown>
    body?: unknown
  }
  const [method = 'GET', template = '/'] = operation.split(' ')
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params?.[name] ?? ''),
  )
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== '') search.set(name, String(value))

  let response: Response
  try {
    response = await fetch(search.size > 0 ? `${path}?${search}` : path, {
      method,
      headers: {
        accept: 'application/json',
        'accept-language': currentLocale(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch {
    throw new Refusal(0, {})
  }
  const text = await response.text()
  const parsed = parseJson(text)
  if (response.ok) return parsed as Answer<O>
  throw new Refusal(response.status, (parsed ?? {}) as Partial<ProblemBody>)
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function ownPath(help: string | undefined): string | null {
  if (!help) return null
  try {
    return new URL(help, location.origin).pathname
  } catch {
    return null
  }
}
