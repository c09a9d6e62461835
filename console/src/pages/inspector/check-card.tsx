import { useForm } from 'react-hook-form'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { TextArea } from '../../design/field.tsx'
import { Card, Row, Stack } from '../../design/page.tsx'
import { readPasted } from './pasted.ts'
import type { Setup } from './requests.ts'
import type { Run } from './use-run.ts'
import { useInspectorWords } from './words.ts'

/** Takes what somebody's own app sends, and has the server judge it without asking anybody. */
export function CheckCard(props: { setup: Setup; run: Run }) {
  const words = useInspectorWords()
  const { setup, run } = props
  const { register, handleSubmit, formState } = useForm({ defaultValues: { link: '' } })
  const read = (link: string) => (run.held ? readPasted(link, setup, run.held) : null)
  const newest = run.exchanges.at(-1)
  return (
    <Card title={words.flows.check.text}>
      <form
        noValidate
        onSubmit={handleSubmit(({ link }) => {
          const pasted = read(link)
          if (pasted?.ok) void run.run('check', null, { pasted: pasted.parameters })
        })}
      >
        <Stack>
          <TextArea
            label={words.check.label}
            hint={words.check.hint}
            rows={3}
            spellCheck={false}
            placeholder={setup.app.redirect_uris[0]}
            error={formState.errors.link?.message}
            {...register('link', {
              validate: (link) => {
                const pasted = read(link)
                return !pasted || pasted.ok || words.check[pasted.reason]
              },
            })}
          />
          <Row>
            <Button type="submit" kind="primary" busy={run.busy !== null}>
              {words.check.action}
            </Button>
          </Row>
          {newest?.ok && (
            <Callout tone="good" title={words.check.good}>
              <p>{words.check.goodText}</p>
            </Callout>
          )}
        </Stack>
      </form>
    </Card>
  )
}
