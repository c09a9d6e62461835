import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type Console, modelsQuery } from '../../api/queries.ts'
import { CodeSnippet } from '../../design/copy.tsx'
import { Select } from '../../design/field.tsx'
import { Columns, Muted, Stack } from '../../design/page.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { snippets } from './snippets.ts'

/** The first call in three languages, plain or streamed, for a model that is really there. */
export function CallSnippets(props: { server: Console; secret?: string }) {
  const { m } = useLanguage()
  const models = useQuery(modelsQuery)
  const [chosen, choose] = useState<string | null>(null)
  const [stream, setStream] = useState(false)
  const ids = models.data?.map((model) => model.id) ?? []
  const model = chosen ?? ids[0] ?? 'MODEL'
  return (
    <Stack>
      <Columns>
        <Select label={m.keys.model} value={model} onChange={(event) => choose(event.target.value)}>
          {(ids.length > 0 ? ids : [model]).map((id) => (
            <option key={id}>{id}</option>
          ))}
        </Select>
        <Select
          label={m.keys.answer}
          value={stream ? 'stream' : 'plain'}
          onChange={(event) => setStream(event.target.value === 'stream')}
        >
          <option value="plain">{m.keys.plain}</option>
          <option value="stream">{m.keys.streamed}</option>
        </Select>
      </Columns>
      <CodeSnippet
        label={m.keys.tryIt}
        variants={snippets({
          apiBase: props.server.api_base,
          model,
          stream,
          ...(props.secret && { key: props.secret }),
        })}
      />
      {props.server.demo && <Muted>{m.keys.demoNote}</Muted>}
    </Stack>
  )
}
