import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { consoleQuery, helpQuery } from '../../api/queries.ts'
import { Field } from '../../design/field.tsx'
import { Icon } from '../../design/icon.tsx'
import { PageHeader, Stack } from '../../design/page.tsx'
import { Empty, Loading, Refused } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { EitherFrame } from '../../shell/either-frame.tsx'
import styles from './help.module.css'

export function Help() {
  const { m } = useLanguage()
  const { q = '' } = useSearch({ from: '/help' })
  const navigate = useNavigate()
  const [typed, setTyped] = useState(q)
  const { data: server } = useSuspenseQuery(consoleQuery)
  const articles = useQuery(helpQuery(q.trim()))
  const words = m.help
  const search = (next: string) => {
    setTyped(next)
    void navigate({ to: '/help', search: next.trim() ? { q: next } : {}, replace: true })
  }
  return (
    <EitherFrame>
      <PageHeader title={words.title} lead={words.lead} />
      <Stack gap="large">
        <search className={styles.search}>
          <Field
            label={words.searchLabel}
            type="search"
            value={typed}
            optional={false}
            onChange={(event) => search(event.target.value)}
          />
        </search>
        {articles.isPending ? (
          <Loading rows={4} tall />
        ) : articles.error ? (
          <Refused error={articles.error} retry={() => void articles.refetch()} />
        ) : articles.data.length === 0 ? (
          <Empty icon="search" title={words.none} text={words.noneText} />
        ) : (
          <ul className={styles.articles}>
            {articles.data.map((article) => (
              <li key={article.slug}>
                <Link to="/help/$slug" params={{ slug: article.slug }} className={styles.article}>
                  <span className={styles.articleTitle}>{article.title}</span>
                  <span className={styles.articleText}>{article.summary}</span>
                </Link>
              </li>
            ))}
          </ul>
        )}
        {server.account && (
          <Link to="/cases" className={styles.own}>
            <Icon name="case" />
            <span>
              <strong>{words.own}</strong>
              <br />
              {words.ownText}
            </span>
          </Link>
        )}
      </Stack>
    </EitherFrame>
  )
}
