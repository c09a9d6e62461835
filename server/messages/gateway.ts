import { gateway as en } from './en/gateway.ts'
import type { Locale } from './messages.ts'
import { gateway as zh } from './zh/gateway.ts'

export type GatewayMessage = keyof typeof en

const texts = { en, zh } as const

/** Words that fill the sentences of `/v1`, in both languages. */
const words = {
  en: {
    key: 'key',
    project: 'project',
    organization: 'organization',
    total: 'total',
    day: 'daily',
    month: 'monthly',
  },
  zh: {
    key: '密钥',
    project: '项目',
    organization: '组织',
    total: '总',
    day: '每日',
    month: '每月',
  },
} as const
export type GatewayWord = keyof (typeof words)['en']

/** The sentence with its `{…}` filled in, and the slug of its help article. */
export function gatewayText(
  id: GatewayMessage,
  locale: Locale,
  values: Readonly<Record<string, string | number>>,
): { message: string; help: string } {
  const { message, help } = texts[locale][id]
  return {
    message: message.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name] ?? ''
      const translated = name === 'scope' || name === 'period'
      return (translated && words[locale][value as GatewayWord]) || String(value)
    }),
    help,
  }
}
