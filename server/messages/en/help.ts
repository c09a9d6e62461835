import { accounts } from './help/accounts.ts'
import { appsThatStaySignedIn } from './help/apps-that-stay-signed-in.ts'
import { gateway } from './help/gateway.ts'
import { keys } from './help/keys.ts'
import { oauth } from './help/oauth.ts'
import { operators } from './help/operators.ts'
import { service } from './help/service.ts'
import { trust } from './help/trust.ts'

/**
 * One article: `body` is a list of lines in a small part of Markdown: `## ` headings, `- ` lists,
 * fenced blocks, `code` and links; lines between empty lines are one paragraph. `{origin}`,
 * `{api_base}` and `{key_prefix}` are filled in.
 */
export type HelpArticle = { title: string; summary: string; body: readonly string[] }

export const help = {
  ...accounts,
  ...keys,
  ...gateway,
  ...oauth,
  ...appsThatStaySignedIn,
  ...trust,
  ...operators,
  ...service,
}

export type HelpSlug = keyof typeof help
