import type { HelpArticle, HelpSlug } from '../en/help.ts'
import { accounts } from './help/accounts.ts'
import { appsThatStaySignedIn } from './help/apps-that-stay-signed-in.ts'
import { gateway } from './help/gateway.ts'
import { keys } from './help/keys.ts'
import { oauth } from './help/oauth.ts'
import { operators } from './help/operators.ts'
import { service } from './help/service.ts'
import { trust } from './help/trust.ts'

export const help: Record<HelpSlug, HelpArticle> = {
  ...accounts,
  ...keys,
  ...gateway,
  ...oauth,
  ...appsThatStaySignedIn,
  ...trust,
  ...operators,
  ...service,
}
