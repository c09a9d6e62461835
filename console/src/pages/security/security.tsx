import { useSuspenseQuery } from '@tanstack/react-query'
import { consoleQuery } from '../../api/queries.ts'
import { Card, PageHeader, Row, Stack } from '../../design/page.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { CloseAccount } from './close-account.tsx'
import { Password } from './password.tsx'
import { Profile } from './profile.tsx'
import styles from './security.module.css'

export function Security() {
  const { m } = useLanguage()
  const { data } = useSuspenseQuery(consoleQuery)
  if (!data.account) return null
  const words = m.security
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      <Stack gap="large">
        <Profile account={data.account} />
        <Password account={data.account} />
        <Card title={words.export} lead={words.exportText}>
          <Row>
            <a className={styles.download} href="/api/account/export" download>
              {words.exportAction}
            </a>
          </Row>
        </Card>
        <CloseAccount />
      </Stack>
    </>
  )
}
