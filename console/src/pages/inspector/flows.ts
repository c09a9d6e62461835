import type { OAuthApp } from '../../api/schema.ts'
import { deviceGrant, type Held, type Setup } from './requests.ts'
import { steps } from './steps.ts'
import type { StepId } from './wire.ts'

export const flowIds = ['code', 'device', 'machine', 'check'] as const
export type FlowId = (typeof flowIds)[number]

/** Why a flow cannot be run with this app as it is registered. */
export type Unavailable = 'no_code_grant' | 'no_device_grant' | 'no_machine_grant'

export function whyNot(flow: FlowId, app: OAuthApp): Unavailable | null {
  const may = (grant: OAuthApp['grant_types'][number]) => app.grant_types.includes(grant)
  switch (flow) {
    case 'code':
    case 'check':
      return may('authorization_code') ? null : 'no_code_grant'
    case 'device':
      return may(deviceGrant) ? null : 'no_device_grant'
    case 'machine':
      return may('client_credentials') ? null : 'no_machine_grant'
  }
}

/** What may be done with tokens once there are some, in the order in which it is offered. */
const uses = (setup: Setup): StepId[] => [
  ...(setup.scopes.includes('openid') ? (['userinfo'] as const) : []),
  'models',
  ...(setup.scopes.includes('chat:write') ? (['chat'] as const) : []),
  'introspect',
  ...(setup.app.grant_types.includes('refresh_token')
    ? (['refresh', 'present_again'] as const)
    : []),
  'revoke',
]

/** The way that leads to tokens, and what comes after it. */
export function planOf(flow: FlowId, setup: Setup): { core: StepId[]; uses: StepId[] } {
  switch (flow) {
    case 'code':
      return {
        core: [...(setup.push ? (['push'] as const) : []), 'authorize', 'token'],
        // A browser signed in, so it can be signed out again.
        uses: [...uses(setup), ...(setup.scopes.includes('openid') ? (['logout'] as const) : [])],
      }
    case 'device':
      return { core: ['device', 'poll'], uses: uses(setup) }
    case 'machine':
      return {
        core: ['machine'],
        uses: uses(setup).filter((step) => !/userinfo|refresh|present/.test(step)),
      }
    case 'check':
      return { core: ['check'], uses: [] }
  }
}

/** Scopes that make sense in this flow: nobody signs in where a program acts for itself. */
export const scopesFor = (flow: FlowId, app: OAuthApp): string[] =>
  app.scope
    .split(' ')
    .filter((scope) => scope !== '' && (flow !== 'machine' || scope.includes(':')))

/** What comes next: the first of the plan that has not gone well yet and can be sent; null at the end. */
export function nextStep(
  flow: FlowId,
  setup: Setup,
  held: Held,
  done: ReadonlySet<StepId>,
): StepId | null {
  const { core, uses } = planOf(flow, setup)
  return [...core, ...uses].find((step) => !done.has(step) && steps[step].ready(held)) ?? null
}
