import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Loading, Refused } from './states.tsx'

/** A list: on its way, refused with a way to try again, empty, or there. */
export function Listing<Row>(props: {
  of: UseQueryResult<readonly Row[]>
  empty: ReactNode
  /** How many rows keep the place while it loads. */
  rows?: number
  children(rows: readonly Row[]): ReactNode
}) {
  const { of: list } = props
  if (list.isPending) return <Loading rows={props.rows ?? 3} />
  if (list.error) return <Refused error={list.error} retry={() => void list.refetch()} />
  return list.data.length === 0 ? props.empty : props.children(list.data)
}
