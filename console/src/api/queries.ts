import { keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query'
import { currentLocale } from '../messages/locale.ts'
import { type Answer, call, Refusal } from './client.ts'

export type Console = Answer<'GET /api/console'>
export type Account = NonNullable<Console['account']>
export type ApiKey = Answer<'GET /api/projects/{project_id}/keys'>['items'][number]
export type UsageRow = Answer<'GET /api/usage'>['items'][number]
export type UsageGroup = 'day' | 'model' | 'key' | 'project'
export type Call = Answer<'GET /api/calls'>['items'][number]
export type OAuthApp = Answer<'GET /api/apps'>['items'][number]
export type Case = Answer<'GET /api/cases/{id}'>
export type Decision = Case['decisions'][number]

/** Refusals are answers and are not asked for again; only what failed underway is, twice. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) =>
        count < 2 && error instanceof Refusal && (error.status === 0 || error.status === 503),
    },
  },
})

/** Who is signed in, and what this installation is. Everything else waits for it. */
export const consoleQuery = queryOptions({
  queryKey: ['console'],
  queryFn: () => call('GET /api/console'),
  staleTime: 60_000,
})

export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  queryFn: async () => (await call('GET /api/projects')).items,
  staleTime: 60_000,
})

/** The keys of every project the account can see. */
export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: async ({ client }) => {
    const projects = await client.ensureQueryData(projectsQuery)
    const lists = await Promise.all(
      projects.map(({ id }) =>
        call('GET /api/projects/{project_id}/keys', { params: { project_id: id } }),
      ),
    )
    return lists.flatMap((list) => list.items)
  },
})

export const modelsQuery = queryOptions({
  queryKey: ['models'],
  queryFn: async () => (await call('GET /api/models')).items,
  staleTime: 60_000,
})

/** Usage by one grouping, both days included. `live` asks again every two seconds. */
export const usageQuery = (group: UsageGroup, from: string, to: string, live = false) =>
  queryOptions({
    queryKey: ['usage', group, from, to],
    queryFn: () => call('GET /api/usage', { query: { group, from, to } }),
    placeholderData: keepPreviousData,
    ...(live && { refetchInterval: 2_000, staleTime: 0 }),
  })

export const callsQuery = (keyId?: string) =>
  queryOptions({
    queryKey: ['calls', keyId ?? null],
    queryFn: () => call('GET /api/calls', { query: { key_id: keyId, limit: 50 } }),
    refetchInterval: 1_500,
    staleTime: 0,
  })

export const appsQuery = queryOptions({
  queryKey: ['apps'],
  queryFn: async () => (await call('GET /api/apps')).items,
})

export const appQuery = (clientId: string) =>
  queryOptions({
    queryKey: ['apps', clientId],
    queryFn: () => call('GET /api/apps/{client_id}', { params: { client_id: clientId } }),
  })

export const grantsQuery = queryOptions({
  queryKey: ['grants'],
  queryFn: async () => (await call('GET /api/grants')).items,
})

export const devicesQuery = queryOptions({
  queryKey: ['devices'],
  queryFn: async () => (await call('GET /api/devices')).items,
})

export const casesQuery = queryOptions({
  queryKey: ['cases'],
  queryFn: async () => (await call('GET /api/cases')).items,
})

export const caseQuery = (id: string) =>
  queryOptions({
    queryKey: ['cases', id],
    queryFn: () => call('GET /api/cases/{id}', { params: { id } }),
  })

export const helpQuery = (q: string) =>
  queryOptions({
    queryKey: ['help', currentLocale(), q],
    queryFn: async () => {
      const query = { q: q === '' ? undefined : q, locale: currentLocale() }
      return (await call('GET /api/help', { query })).items
    },
    placeholderData: keepPreviousData,
    staleTime: 300_000,
  })

export const articleQuery = (slug: string) =>
  queryOptions({
    queryKey: ['help-article', currentLocale(), slug],
    queryFn: () =>
      call('GET /api/help/{slug}', { params: { slug }, query: { locale: currentLocale() } }),
    staleTime: 300_000,
  })

export const logoutQuery = (id: string) =>
  queryOptions({
    queryKey: ['oauth-logout', id],
    queryFn: () => call('GET /api/oauth/logouts/{id}', { params: { id } }),
    staleTime: Number.POSITIVE_INFINITY,
  })

export const logoutDeliveriesQuery = (clientId: string) =>
  queryOptions({
    queryKey: ['logout-deliveries', clientId],
    queryFn: async () =>
      (
        await call('GET /api/apps/{client_id}/logout-deliveries', {
          params: { client_id: clientId },
        })
      ).items,
  })

export const transactionQuery = (id: string) =>
  queryOptions({
    queryKey: ['oauth-transaction', id],
    queryFn: () => call('GET /api/oauth/transactions/{id}', { params: { id } }),
    staleTime: Number.POSITIVE_INFINITY,
  })
