import type { Answer } from '../../api/client.ts'
import type { ApiKey } from '../../api/queries.ts'
import type { Operations } from '../../api/schema.ts'

/** The form of a key: what people type, as text. */
export type KeyValues = {
  name: string
  project: string
  scopes: string[]
  models: string[]
  ips: string
  expires: string
  rpm: string
  tpm: string
  concurrency: string
  budget: string
  period: 'total' | 'day' | 'month'
  declaredUse: '' | NonNullable<ApiKey['declared_use']>
}

type CreateBody = Operations['POST /api/projects/{project_id}/keys']['body']
export type NewKey = Answer<'POST /api/projects/{project_id}/keys'>

export const gatewayScopes = [
  'models:read',
  'chat:write',
  'chat:read',
  'embeddings:write',
  'images:write',
  'audio:write',
  'usage:read',
  'keys:manage',
] as const

export const emptyKey = (project: string): KeyValues => ({
  name: '',
  project,
  scopes: [],
  models: [],
  ips: '',
  expires: '',
  rpm: '',
  tpm: '',
  concurrency: '',
  budget: '',
  period: 'month',
  declaredUse: '',
})

export function valuesOf(key: ApiKey): KeyValues {
  const text = (value: number | null | undefined) => (value ? String(value) : '')
  return {
    name: key.name,
    project: key.project_id,
    scopes: [...key.scopes],
    models: [...(key.models ?? [])],
    ips: (key.allowed_ips ?? []).join('\n'),
    expires: key.expires_at ? localDay(key.expires_at) : '',
    rpm: text(key.limits.requests_per_minute),
    tpm: text(key.limits.tokens_per_minute),
    concurrency: text(key.limits.concurrency),
    budget: key.budget ? String(key.budget.amount_micros / 1e6) : '',
    period: key.budget?.period ?? 'month',
    declaredUse: key.declared_use ?? '',
  }
}

/** The wire form. What was left empty is `null`, which takes the setting away. */
export function keyBody(values: KeyValues): CreateBody {
  const scopes = gatewayScopes.filter((scope) => values.scopes.includes(scope))
  const lines = values.ips.split(/[\s,]+/).filter(Boolean)
  const count = (text: string) => (text.trim() === '' ? null : Number(text))
  return {
    name: values.name.trim(),
    ...(scopes.length > 0 && { scopes }),
    models: values.models.length > 0 ? values.models : null,
    allowed_ips: lines.length > 0 ? lines : null,
    expires_at: values.expires === '' ? null : endOfLocalDay(values.expires),
    limits: {
      requests_per_minute: count(values.rpm),
      tokens_per_minute: count(values.tpm),
      concurrency: count(values.concurrency),
    },
    budget:
      values.budget.trim() === ''
        ? null
        : { amount_micros: Math.round(Number(values.budget) * 1e6), period: values.period },
    declared_use: values.declaredUse === '' ? null : values.declaredUse,
  }
}

const endOfLocalDay = (day: string): string => new Date(`${day}T23:59:59`).toISOString()

function localDay(at: string): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** What the key can do now; an expiry in the past counts whatever the stored state says. */
export const effectiveState = (key: ApiKey): ApiKey['state'] | 'expired' =>
  key.state === 'active' && key.expires_at && Date.parse(key.expires_at) <= Date.now()
    ? 'expired'
    : key.state
