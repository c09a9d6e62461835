import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compose } from '../server/src/compose.ts'
import { readConfig } from '../server/src/config.ts'
import { systemClock } from '../server/src/platform/clock/clock.ts'
import { systemRandom } from '../server/src/platform/ids/ids.ts'
import { createLog } from '../server/src/platform/log/log.ts'

/**
 * `npm run api-types`: writes console/src/api/schema.ts from the OpenAPI document, so that the
 * console compiles only against what the server really accepts and answers. Our own, because the
 * usual generators need TypeScript's JavaScript API, which TypeScript 7 does not offer.
 */
export const schemaFile = new URL('../console/src/api/schema.ts', import.meta.url)

type Schema = {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  $ref?: string
  items?: Schema
  prefixItems?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  nullable?: boolean
}
type Content = { content?: Record<string, { schema?: Schema }> }
type OperationObject = {
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[]
  requestBody?: Content & { required?: boolean }
  responses?: Record<string, Content>
}
export type OpenApiDocument = {
  paths?: Record<string, Record<string, OperationObject>>
  components?: { schemas?: Record<string, Schema> }
}

const methods = ['get', 'post', 'put', 'patch', 'delete']

/** The whole file, deterministic: the same document gives the same text. */
export function schemaText(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths ?? {})
    .filter(([path]) => path.startsWith('/api/') || path.startsWith('/dev/'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, item]) =>
      methods
        .filter((method) => item[method])
        .map((method) => operationText(`${method.toUpperCase()} ${path}`, item[method] ?? {})),
    )
  const schemas = Object.entries(document.components?.schemas ?? {})
    .map(([name, schema]) => ({ name: typeName(name), text: typeText(schema) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const named = reachable(schemas, operations.join('')).map(
    ({ name, text }) => `export type ${name} = ${text}\n`,
  )
  return [
    '// Written by `npm run api-types` from the OpenAPI document. Do not edit.\n',
    ...named,
    `export type Operations = {\n${operations.join('')}}\n`,
  ].join('\n')
}

/** The named schemas that the operations use, straight or through another. */
function reachable(schemas: { name: string; text: string }[], operations: string) {
  const uses = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text)
  const found = new Set<string>()
  const queue = [operations]
  for (let text = queue.pop(); text !== undefined; text = queue.pop())
    for (const schema of schemas)
      if (!found.has(schema.name) && uses(text, schema.name)) {
        found.add(schema.name)
        queue.push(schema.text)
      }
  return schemas.filter(({ name }) => found.has(name))
}

function operationText(name: string, operation: OperationObject): string {
  const parts: string[] = []
  const given = (place: string) => (operation.parameters ?? []).filter((p) => p.in === place)
  const [params, query] = [given('path'), given('query')]
  if (params.length > 0)
    parts.push(`params: { ${params.map((p) => `${p.name}: string`).join('; ')} }`)
  if (query.length > 0) {
    const members = query.map(
      (p) => `${key(p.name)}${p.required ? '' : '?'}: ${typeText(p.schema ?? {})}${orUndefined(p)}`,
    )
    parts.push(`query${query.some((p) => p.required) ? '' : '?'}: { ${members.join('; ')} }`)
  }
  const body = jsonSchema(operation.requestBody)
  if (body)
    parts.push(`body${operation.requestBody?.required === false ? '?' : ''}: ${typeText(body)}`)
  const success = Object.entries(operation.responses ?? {}).find(([status]) => /^2/.test(status))
  const answer = success ? jsonSchema(success[1]) : undefined
  parts.push(`answer: ${answer ? typeText(answer) : 'undefined'}`)
  return `  '${name}': {\n${parts.map((part) => `    ${part}\n`).join('')}  }\n`
}

const orUndefined = (parameter: { required?: boolean }) =>
  parameter.required ? '' : ' | undefined'

const jsonSchema = (holder: Content | undefined): Schema | undefined =>
  holder?.content?.['application/json']?.schema

/** One schema as a TypeScript type on one line. What cannot be said is `unknown`, never `any`. */
export function typeText(schema: Schema): string {
  if (schema.nullable) return union([typeText({ ...schema, nullable: false }), 'null'])
  if (schema.$ref) return typeName(schema.$ref.split('/').at(-1) ?? '')
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)))
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return union(choices.map(typeText))
  if (schema.allOf) return schema.allOf.map(typeText).map(bracketed).join(' & ')
  if (Array.isArray(schema.type))
    return union(schema.type.map((type) => typeText({ ...schema, type })))
  switch (schema.type) {
    case 'string':
      return 'string'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'array':
      if (schema.prefixItems) return `[${schema.prefixItems.map(typeText).join(', ')}]`
      return `${bracketed(typeText(schema.items ?? {}))}[]`
    case 'object':
      return objectText(schema)
    default:
      return 'unknown'
  }
}

function objectText(schema: Schema): string {
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const required = schema.required?.includes(name)
    return `${key(name)}${required ? '' : '?'}: ${typeText(member)}${required ? '' : ' | undefined'}`
  })
  if (members.length > 0) return `{ ${members.join('; ')} }`
  const others = schema.additionalProperties
  if (others === false) return 'Record<string, never>'
  return `Record<string, ${typeof others === 'object' ? typeText(others) : 'unknown'}>`
}

const union = (types: string[]): string => [...new Set(types)].join(' | ')
const bracketed = (type: string): string => (/[|&]/.test(type) ? `(${type})` : type)
const key = (name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
const typeName = (name: string): string => name.replace(/[^A-Za-z0-9]/g, '')

/** The document of a server that lives for this one question. */
export async function currentDocument(): Promise<OpenApiDocument> {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-api-types-'))
  const result = readConfig({ LATCHKEY_DATA_DIR: dataDir, LATCHKEY_LOG_LEVEL: 'silent' }, 1)
  if (!result.ok) throw new Error(result.problems.join('; '))
  const log = createLog('silent', () => {})
  const latchkey = await compose(result.config, { clock: systemClock, random: systemRandom, log })
  try {
    return latchkey.app.swagger() as unknown as OpenApiDocument // OpenAPI's own types say less than we read
  } finally {
    await latchkey.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const text = schemaText(await currentDocument())
  const before = await readFile(schemaFile, 'utf8').catch(() => '')
  await writeFile(schemaFile, text)
  console.log(before === text ? 'schema.ts is current' : 'schema.ts written')
}
