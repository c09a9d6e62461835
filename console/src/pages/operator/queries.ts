import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { type Answer, call } from '../../api/client.ts'
import type { Operations } from '../../api/schema.ts'

export type OperatorAccount = Answer<'GET /api/operator/accounts'>['items'][number]
export type AccountDetail = Answer<'GET /api/operator/accounts/{id}'>
export type Appeal = Answer<'GET /api/operator/appeals'>['items'][number]
export type DecisionBody = Operations['POST /api/operator/accounts/{id}/decisions']['body']
export type AppealState = Appeal['state']
export type CaseState = Answer<'GET /api/operator/cases'>['items'][number]['state']

/** All below one key, so that a decision renews everything an operator sees. */
export const operatorKey = ['operator'] as const

export const accountQuery = (id: string) =>
  queryOptions({
    queryKey: [...operatorKey, 'account', id],
    queryFn: () => call('GET /api/operator/accounts/{id}', { params: { id } }),
  })

export const reviewCasesQuery = (state: CaseState | undefined) =>
  queryOptions({
    queryKey: [...operatorKey, 'cases', state],
    queryFn: async () =>
      (await call('GET /api/operator/cases', { query: { state, limit: 100 } })).items,
    placeholderData: keepPreviousData,
  })

export const appealsQuery = (state: AppealState | undefined) =>
  queryOptions({
    queryKey: [...operatorKey, 'appeals', state],
    queryFn: async () => (await call('GET /api/operator/appeals', { query: { state } })).items,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  })

export const appealQuery = (id: string) =>
  queryOptions({
    queryKey: [...operatorKey, 'appeal', id],
    queryFn: () => call('GET /api/operator/appeals/{id}', { params: { id } }),
  })

export const healthQuery = queryOptions({
  queryKey: [...operatorKey, 'health'],
  queryFn: () => call('GET /api/operator/health'),
  refetchInterval: 10_000,
})

export const upstreamsQuery = queryOptions({
  queryKey: [...operatorKey, 'upstreams'],
  queryFn: async () => (await call('GET /api/operator/upstreams')).items,
  refetchInterval: 10_000,
})
