import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type Account, consoleQuery } from '../../api/queries.ts'
import { ownPath } from '../../shell/next.ts'

/**
 * After signing in: an app that waits (`tx`) is gone on with by a full page load, because the server
 * decides the next step there; otherwise the own path that was asked for.
 */
export function useGoOn() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  return async (account: Account, search: { tx?: string; next?: string }) => {
    await signedIn(queryClient, account)
    if (search.tx) return location.assign(`/oauth/tx/${encodeURIComponent(search.tx)}`)
    await navigate({ href: ownPath(search.next, location.origin) })
  }
}

/** Forgets what the person before could see, keeps what is known about the installation. */
async function signedIn(queryClient: QueryClient, account: Account): Promise<void> {
  const before = await queryClient.ensureQueryData(consoleQuery)
  queryClient.clear()
  queryClient.setQueryData(consoleQuery.queryKey, { ...before, account })
}
