import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { articleQuery, helpQuery } from '../../api/queries.ts'
import { PageHeader, Stack } from '../../design/page.tsx'
import { Loading, Refused } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { EitherFrame } from '../../shell/either-frame.tsx'
import styles from './help.module.css'
import { Markdown } from './markdown.tsx'

export function Article() {
  const { m } = useLanguage()
  const { slug } = useParams({ from: '/help/$slug' })
  const article = useQuery(articleQuery(slug))
  const all = useQuery(helpQuery(''))
  const back = { to: '/help', label: m.help.back }
  return (
    <EitherFrame>
      {article.isPending ? (
        <Loading rows={6} />
      ) : article.error ? (
        <>
          <PageHeader title={m.help.title} back={back} />
          <Refused error={article.error} retry={() => void article.refetch()} />
        </>
      ) : (
        <Stack gap="large">
          <article>
            <PageHeader title={article.data.title} lead={article.data.summary} back={back} />
            <Markdown text={article.data.body} />
          </article>
          {article.data.related.length > 0 && (
            <section className={styles.related}>
              <h2 className={styles.relatedTitle}>{m.help.related}</h2>
              <ul>
                {article.data.related.map((related) => (
                  <li key={related}>
                    <Link to="/help/$slug" params={{ slug: related }}>
                      {all.data?.find((one) => one.slug === related)?.title ?? related}
                    </Link>
                  </li>
                ))}
              </ul>
            </section>
          )}
        </Stack>
      )}
    </EitherFrame>
  )
}
