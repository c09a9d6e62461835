import { isSecret, masked } from './parameters.ts'
import type { Field, WireRequest, WireResponse } from './wire.ts'

type Options = { reveal: boolean }

const shown = ({ name, value }: Field, { reveal }: Options) =>
  !reveal && isSecret(name) ? masked(value) : value

/** A request as it goes over the wire, one parameter a line; secrets by their ends unless revealed. */
export function requestText(request: WireRequest, options: Options): string {
  const setOut = (fields: readonly Field[]) =>
    fields.map(
      (field) =>
        `${field.name}=${encodeURIComponent(shown(field, options)).replaceAll('%E2%80%A2', '•')}`,
    )
  const lines = [`${request.method} ${request.url}`]
  for (const [at, text] of setOut(request.query).entries())
    lines.push(`  ${at === 0 ? '?' : '&'}${text}`)
  for (const field of request.headers) lines.push(`${field.name}: ${shown(field, options)}`)
  if (request.form) lines.push('', setOut(request.form).join('\n&'))
  if (request.json !== null) lines.push('', JSON.stringify(request.json, null, 2))
  return lines.join('\n')
}

/** The body of an answer, JSON set out in lines; secrets by their ends unless revealed. */
export function bodyText({ body }: WireResponse, options: Options): string {
  if (typeof body === 'string') return body.slice(0, bodyCharactersMax)
  const text = JSON.stringify(
    body,
    (name, value: unknown) => (typeof value === 'string' ? shown({ name, value }, options) : value),
    2,
  )
  return text.length > bodyCharactersMax ? `${text.slice(0, bodyCharactersMax)}\n…` : text
}

/** More than that of a list of models teaches nobody anything. */
const bodyCharactersMax = 4_000
