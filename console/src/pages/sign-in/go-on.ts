import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { type Account, consoleQuery } from '../../api/queries.ts'
import { hasChosenLocale } from '../../messages/locale.ts'
import { useLanguage } from '../../messages/messages.tsx'
import { ownPath } from '../../shell/next.ts'

/**
 * After signing in: an app that waits (`tx`) is gone on with by a full page load, because the server
 * decides the next step there; otherwise the own path that was asked for.
 */
export function useGoOn() {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const { locale, switchTo } = useLanguage()
  return async (account: Account, search: { tx?: string; next?: string }) => {
    await signedIn(queryClient, account)
    if (account.locale !== locale) await agreeOnLanguage(account.locale)
    if (search.tx) return location.assign(`/oauth/tx/${encodeURIComponent(search.tx)}`)
    await navigate({ href: ownPath(search.next, location.origin) })
  }

  /** What was chosen in this browser becomes the account's; without a choice the page follows the account. */
  async function agreeOnLanguage(ofAccount: Account['locale']) {
    if (hasChosenLocale())
      await call('PATCH /api/account', { body: { locale } }).catch(() => undefined)
    else await switchTo(ofAccount, 'followed')
  }
}

/** Forgets what the person before could see, keeps what is known about the installation. */
async function signedIn(queryClient: QueryClient, account: Account): Promise<void> {
  const before = await queryClient.ensureQueryData(consoleQuery)
  queryClient.clear()
  queryClient.setQueryData(consoleQuery.queryKey, { ...before, account, signed_out_reason: null })
}
