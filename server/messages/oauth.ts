import {
  oauthPages as enPages,
  appProblemTexts as enProblems,
  scopeTexts as enScopes,
} from './en/oauth.ts'
import {
  oauthPages as zhPages,
  appProblemTexts as zhProblems,
  scopeTexts as zhScopes,
} from './zh/oauth.ts'

export type OAuthPageKey = keyof typeof enPages

export const oauthPages = { en: enPages, zh: zhPages } as const
export const scopeTexts = { en: enScopes, zh: zhScopes } as const
export const appProblemTexts = { en: enProblems, zh: zhProblems } as const
