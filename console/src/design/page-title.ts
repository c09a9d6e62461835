import { useEffect } from 'react'

/** The tab's title; also what a screen reader says first on a new page. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Latchkey`
  }, [title])
}
