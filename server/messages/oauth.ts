import {
  logoProblemTexts as enLogoProblems,
  notByKeyText as enNotByKey,
  oauthPages as enPages,
  appProblemTexts as enProblems,
  resourceScopeText as enResourceScope,
  scopeTexts as enScopes,
} from './en/oauth.ts'
import {
  logoProblemTexts as zhLogoProblems,
  notByKeyText as zhNotByKey,
  oauthPages as zhPages,
  appProblemTexts as zhProblems,
  resourceScopeText as zhResourceScope,
  scopeTexts as zhScopes,
} from './zh/oauth.ts'

export type OAuthPageKey = keyof typeof enPages

export const oauthPages = { en: enPages, zh: zhPages } as const
export const scopeTexts = { en: enScopes, zh: zhScopes } as const
export const resourceScopeText = { en: enResourceScope, zh: zhResourceScope } as const
export const logoProblemTexts = { en: enLogoProblems, zh: zhLogoProblems } as const
export const appProblemTexts = { en: enProblems, zh: zhProblems } as const
export const notByKeyText = { en: enNotByKey, zh: zhNotByKey } as const
