import { useEffect } from 'react'
import { hasChosenLocale } from './locale.ts'
import { useLanguage } from './messages.tsx'

/** The language the app asked for (`ui_locales`), unless the person chose one in this browser. */
export function useAskedLanguage(asked: string | undefined): void {
  const { locale, switchTo } = useLanguage()
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page opens
  useEffect(() => {
    if ((asked === 'en' || asked === 'zh') && asked !== locale && !hasChosenLocale())
      void switchTo(asked, 'followed')
  }, [])
}
