import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { whenSignedOut } from './api/client.ts'
import { consoleQuery, queryClient } from './api/queries.ts'
import { RootFrame } from './shell/root-frame.tsx'
import { RouteError, RouteNotFound, RoutePending } from './shell/route-states.tsx'
import { SignedIn } from './shell/signed-in.tsx'

/** Every page, by address. Pages load on demand; the operator's are a part of their own. */
const root = createRootRoute({ component: RootFrame, notFoundComponent: RouteNotFound })

const text = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined

/** Search parameters by name, as strings; what is absent stays absent. */
const searchOf =
  <Name extends string>(...names: Name[]) =>
  (given: Record<string, unknown>): { [K in Name]?: string } => {
    const found: { [K in Name]?: string } = {}
    for (const name of names) {
      const value = text(given[name])
      if (value !== undefined) found[name] = value
    }
    return found
  }

const isSignedIn = async (): Promise<boolean> =>
  (await queryClient.ensureQueryData(consoleQuery)).account !== null

// -- for everybody ---------------------------------------------------------------------------------
const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/home.tsx'), 'Home'),
})
const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  validateSearch: searchOf('tx', 'next'),
  component: lazyRouteComponent(() => import('./pages/sign-up/sign-up.tsx'), 'SignUp'),
})
const verify = createRoute({
  getParentRoute: () => root,
  path: '/verify',
  validateSearch: searchOf('email', 'code', 'tx', 'next'),
  component: lazyRouteComponent(() => import('./pages/verify/verify.tsx'), 'Verify'),
})
const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: searchOf('tx', 'next', 'email', 'ui_locales'),
  component: lazyRouteComponent(() => import('./pages/sign-in/sign-in.tsx'), 'SignIn'),
})
const recover = createRoute({
  getParentRoute: () => root,
  path: '/recover',
  validateSearch: searchOf('email'),
  component: lazyRouteComponent(() => import('./pages/recover/recover.tsx'), 'Recover'),
})
const reset = createRoute({
  getParentRoute: () => root,
  path: '/recover/reset',
  validateSearch: searchOf('email', 'code'),
  component: lazyRouteComponent(() => import('./pages/recover/reset.tsx'), 'Reset'),
})
const notMe = createRoute({
  getParentRoute: () => root,
  path: '/devices/not-me',
  component: lazyRouteComponent(() => import('./pages/devices/not-me.tsx'), 'NotMe'),
})
const consent = createRoute({
  getParentRoute: () => root,
  path: '/consent',
  validateSearch: searchOf('tx', 'ui_locales'),
  component: lazyRouteComponent(() => import('./pages/consent/consent.tsx'), 'Consent'),
})
const signOut = createRoute({
  getParentRoute: () => root,
  path: '/sign-out',
  validateSearch: searchOf('tx', 'ui_locales'),
  component: lazyRouteComponent(() => import('./pages/sign-out/sign-out.tsx'), 'SignOut'),
})
const inspectorCallback = createRoute({
  getParentRoute: () => root,
  path: '/apps/$clientId/inspector/callback',
  component: lazyRouteComponent(
    () => import('./pages/inspector/callback.tsx'),
    'InspectorCallback',
  ),
})
const claim = createRoute({
  getParentRoute: () => root,
  path: '/operator/claim',
  component: lazyRouteComponent(() => import('./pages/operator/claim.tsx'), 'Claim'),
})
const help = createRoute({
  getParentRoute: () => root,
  path: '/help',
  validateSearch: searchOf('q'),
  component: lazyRouteComponent(() => import('./pages/help/help.tsx'), 'Help'),
})
const article = createRoute({
  getParentRoute: () => root,
  path: '/help/$slug',
  component: lazyRouteComponent(() => import('./pages/help/article.tsx'), 'Article'),
})

// -- for who is signed in --------------------------------------------------------------------------
const signedInOnly = async ({ location }: { location: { href: string } }) => {
  if (!(await isSignedIn())) throw redirect({ to: '/sign-in', search: { next: location.href } })
}
/** A page by itself: one question, nothing beside it. */
const alone = createRoute({
  getParentRoute: () => root,
  id: 'alone',
  beforeLoad: signedInOnly,
})
const device = createRoute({
  getParentRoute: () => alone,
  path: '/device',
  validateSearch: searchOf('user_code'),
  component: lazyRouteComponent(() => import('./pages/device/device.tsx'), 'Device'),
})
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: SignedIn,
  beforeLoad: signedInOnly,
})
const keys = createRoute({
  getParentRoute: () => inside,
  path: '/keys',
  component: lazyRouteComponent(() => import('./pages/api-keys/list.tsx'), 'ApiKeys'),
})
const keyDetails = createRoute({
  getParentRoute: () => inside,
  path: '/keys/$id',
  component: lazyRouteComponent(() => import('./pages/api-keys/details.tsx'), 'ApiKeyDetails'),
})
const usage = createRoute({
  getParentRoute: () => inside,
  path: '/usage',
  validateSearch: searchOf('from', 'to'),
  component: lazyRouteComponent(() => import('./pages/usage/usage.tsx'), 'Usage'),
})
const apps = createRoute({
  getParentRoute: () => inside,
  path: '/apps',
  component: lazyRouteComponent(() => import('./pages/apps/list.tsx'), 'Apps'),
})
const appDetails = createRoute({
  getParentRoute: () => inside,
  path: '/apps/$clientId',
  component: lazyRouteComponent(() => import('./pages/apps/details.tsx'), 'AppDetails'),
})
const inspector = createRoute({
  getParentRoute: () => inside,
  path: '/apps/$clientId/inspector',
  component: lazyRouteComponent(() => import('./pages/inspector/inspector.tsx'), 'InspectorPage'),
})
const connected = createRoute({
  getParentRoute: () => inside,
  path: '/connected-apps',
  component: lazyRouteComponent(() => import('./pages/connected-apps/list.tsx'), 'ConnectedApps'),
})
const devices = createRoute({
  getParentRoute: () => inside,
  path: '/devices',
  component: lazyRouteComponent(() => import('./pages/devices/list.tsx'), 'Devices'),
})
const security = createRoute({
  getParentRoute: () => inside,
  path: '/security',
  component: lazyRouteComponent(() => import('./pages/security/security.tsx'), 'Security'),
})
const cases = createRoute({
  getParentRoute: () => inside,
  path: '/cases',
  component: lazyRouteComponent(() => import('./pages/cases/list.tsx'), 'Cases'),
})
const caseDetails = createRoute({
  getParentRoute: () => inside,
  path: '/cases/$id',
  component: lazyRouteComponent(() => import('./pages/cases/details.tsx'), 'CaseDetails'),
})

// -- for operators; the server decides who is one ---------------------------------------------------
const operatorAccounts = createRoute({
  getParentRoute: () => inside,
  path: '/operator/accounts',
  validateSearch: searchOf('search', 'state'),
  component: lazyRouteComponent(() => import('./pages/operator/accounts.tsx'), 'OperatorAccounts'),
})
const operatorAccount = createRoute({
  getParentRoute: () => inside,
  path: '/operator/accounts/$id',
  component: lazyRouteComponent(
    () => import('./pages/operator/account.tsx'),
    'OperatorAccountPage',
  ),
})
const reviewCases = createRoute({
  getParentRoute: () => inside,
  path: '/operator/cases',
  component: lazyRouteComponent(() => import('./pages/operator/cases.tsx'), 'ReviewCases'),
})
const operatorAppeals = createRoute({
  getParentRoute: () => inside,
  path: '/operator/appeals',
  component: lazyRouteComponent(() => import('./pages/operator/appeals.tsx'), 'OperatorAppeals'),
})
const operatorAppeal = createRoute({
  getParentRoute: () => inside,
  path: '/operator/appeals/$id',
  component: lazyRouteComponent(() => import('./pages/operator/appeal.tsx'), 'OperatorAppeal'),
})
const audit = createRoute({
  getParentRoute: () => inside,
  path: '/operator/audit',
  component: lazyRouteComponent(() => import('./pages/operator/audit.tsx'), 'AuditLog'),
})
const health = createRoute({
  getParentRoute: () => inside,
  path: '/operator/health',
  component: lazyRouteComponent(() => import('./pages/operator/health.tsx'), 'OperatorHealth'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    signUp,
    verify,
    signIn,
    recover,
    reset,
    notMe,
    consent,
    signOut,
    inspectorCallback,
    claim,
    help,
    article,
    alone.addChildren([device]),
    inside.addChildren([
      keys,
      keyDetails,
      usage,
      apps,
      appDetails,
      inspector,
      connected,
      devices,
      security,
      cases,
      caseDetails,
      operatorAccounts,
      operatorAccount,
      reviewCases,
      operatorAppeals,
      operatorAppeal,
      audit,
      health,
    ]),
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: RoutePending,
  defaultErrorComponent: RouteError,
  scrollRestoration: true,
})

// A session that ended elsewhere: say so and come back to the same page after signing in.
whenSignedOut(() => {
  const before = queryClient.getQueryData(consoleQuery.queryKey)
  if (!before?.account) return
  queryClient.clear()
  queryClient.setQueryData(consoleQuery.queryKey, { ...before, account: null })
  void queryClient.invalidateQueries({ queryKey: consoleQuery.queryKey }) // learns the reason
  void router.navigate({ to: '/sign-in', search: { next: router.state.location.href } })
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
