import { useQuery } from '@tanstack/react-query'
import { type Console, modelsQuery } from '../../api/queries.ts'
import { Card } from '../../design/page.tsx'
import { Loading } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { CallSnippets } from '../api-keys/call-snippets.tsx'

export function FirstCall(props: { server: Console }) {
  const { m } = useLanguage()
  const models = useQuery(modelsQuery)
  return (
    <div id="first-call">
      <Card title={m.dashboard.firstCall} lead={m.dashboard.firstCallLead}>
        {models.isPending ? <Loading rows={3} /> : <CallSnippets server={props.server} />}
      </Card>
    </div>
  )
}
