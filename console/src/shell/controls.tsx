import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/client.ts'
import { consoleQuery } from '../api/queries.ts'
import { Icon } from '../design/icon.tsx'
import { ChoiceMenu } from '../design/menu.tsx'
import { chooseTheme, readTheme, type Theme, themes } from '../design/theme.ts'
import { useLanguage } from '../messages/messages.tsx'
import styles from './shell.module.css'

/** Language and appearance, on every page. */
export function Controls() {
  const { m, locale, switchTo } = useLanguage()
  const [theme, setTheme] = useState<Theme>(readTheme)
  const queryClient = useQueryClient()
  const chooseLanguage = async (next: 'en' | 'zh') => {
    await switchTo(next, 'chosen')
    // Mails follow the choice; the account's own language is kept in step where somebody is signed in.
    const account = queryClient.getQueryData(consoleQuery.queryKey)?.account
    if (account && account.locale !== next)
      await call('PATCH /api/account', { body: { locale: next } }).catch(() => undefined)
    await queryClient.invalidateQueries()
  }
  return (
    <div className={styles.controls}>
      <ChoiceMenu
        label={`${m.nav.language}: ${locale === 'zh' ? '中文' : 'English'}`}
        trigger={
          <>
            <Icon name="globe" size={18} />
            <span>{locale === 'zh' ? '中文' : 'English'}</span>
          </>
        }
        value={locale}
        choices={[
          { value: 'en', title: 'English', lang: 'en' },
          { value: 'zh', title: '简体中文', lang: 'zh-CN' },
        ]}
        onChoose={(next) => void chooseLanguage(next)}
      />
      <ChoiceMenu
        label={m.nav.theme}
        trigger={<Icon name="theme" size={18} />}
        value={theme}
        choices={themes.map((value) => ({ value, title: m.nav.themes[value] }))}
        onChoose={(next) => {
          setTheme(next)
          chooseTheme(next)
        }}
      />
    </div>
  )
}
