import type { Account } from '../api/queries.ts'
import type { IconName } from '../design/icon.tsx'
import type { Messages } from '../messages/messages.tsx'

type Role = Account['role']
type Item = { to: string; title: string; icon: IconName }
export type NavGroup = { title: string; items: Item[] }

/** Where a person of this role can go; pages that a role may not open are not offered. */
export function navigation(role: Role, m: Messages): NavGroup[] {
  const { nav } = m
  const groups: NavGroup[] = [
    {
      title: '',
      items: [
        { to: '/', title: nav.dashboard, icon: 'home' },
        { to: '/keys', title: nav.keys, icon: 'key' },
        { to: '/usage', title: nav.usage, icon: 'chart' },
        { to: '/apps', title: nav.apps, icon: 'apps' },
      ],
    },
    {
      title: nav.you,
      items: [
        { to: '/connected-apps', title: nav.connected, icon: 'link' },
        { to: '/devices', title: nav.devices, icon: 'device' },
        { to: '/security', title: nav.security, icon: 'shield' },
        { to: '/cases', title: nav.cases, icon: 'case' },
        { to: '/help', title: nav.help, icon: 'help' },
      ],
    },
  ]
  const may = (...roles: Role[]) => roles.includes(role)
  const operator: Item[] = [
    ...(may('operator', 'reviewer', 'support')
      ? [{ to: '/operator/accounts', title: nav.accounts, icon: 'people' } as const]
      : []),
    ...(may('operator', 'reviewer')
      ? [
          { to: '/operator/cases', title: nav.allCases, icon: 'list' } as const,
          { to: '/operator/appeals', title: nav.appeals, icon: 'scale' } as const,
        ]
      : []),
    ...(may('operator', 'auditor')
      ? [{ to: '/operator/audit', title: nav.audit, icon: 'case' } as const]
      : []),
    ...(may('operator', 'reviewer', 'support')
      ? [{ to: '/operator/health', title: nav.health, icon: 'pulse' } as const]
      : []),
  ]
  return operator.length > 0 ? [...groups, { title: nav.operatorLabel, items: operator }] : groups
}
