import { useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { consoleQuery, keysQuery, projectsQuery } from '../../api/queries.ts'
import { Ago } from '../../design/ago.tsx'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Listing } from '../../design/listing.tsx'
import { Card, PageHeader, Stack } from '../../design/page.tsx'
import { Empty } from '../../design/states.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { CreateKey } from './create.tsx'
import { KeyState } from './key-state.tsx'
import type { NewKey } from './key-values.ts'
import { SecretOnce } from './secret-once.tsx'

export function ApiKeys() {
  const { m, format } = useLanguage()
  const { data: server } = useSuspenseQuery(consoleQuery)
  const keys = useQuery(keysQuery)
  const projects = useQuery(projectsQuery)
  const [creating, setCreating] = useState(false)
  const [made, setMade] = useState<NewKey | null>(null)
  const project = projects.data?.[0]?.id
  const suspended = server.account?.state === 'suspended'
  const words = m.keys
  const button = !suspended && project && (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      {words.create}
    </Button>
  )
  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={(keys.data?.length ?? 0) > 0 && button}
      />
      <Stack>
        {suspended && (
          <Callout tone="warn">
            <p>{words.suspended}</p>
          </Callout>
        )}
        <Card>
          <Listing
            of={keys}
            rows={4}
            empty={<Empty icon="key" title={words.empty} text={words.emptyText} action={button} />}
          >
            {(rows) => (
              <Table
                caption={words.caption}
                rows={rows}
                rowKey={(key) => key.id}
                columns={[
                  {
                    title: words.name,
                    main: true,
                    cell: (key) => (
                      <Link to="/keys/$id" params={{ id: key.id }}>
                        {key.name}
                      </Link>
                    ),
                  },
                  { title: words.key, cell: (key) => <code>{key.hint}</code> },
                  { title: m.common.state, cell: (key) => <KeyState of={key} /> },
                  { title: m.common.created, cell: (key) => format.date(key.created_at) },
                  {
                    title: m.common.lastUsed,
                    cell: (key) => <Ago at={key.last_used_at} />,
                  },
                ]}
              />
            )}
          </Listing>
        </Card>
      </Stack>
      {creating && project && (
        <CreateKey
          project={project}
          onClose={() => setCreating(false)}
          onCreated={(key) => {
            setCreating(false)
            setMade(key)
          }}
        />
      )}
      {made && <SecretOnce secret={made.secret} onClose={() => setMade(null)} />}
    </>
  )
}
