import { useMutation } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { type Answer, call } from '../../api/client.ts'
import { Button } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { CodeField } from '../../design/field.tsx'
import { Stack } from '../../design/page.tsx'
import { RefusalNote } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { FormFrame } from '../../shell/open-frame.tsx'
import { DeviceRequest } from './device-request.tsx'

type Claimed = Answer<'POST /api/oauth/device/claim'> & { code: string }

const letters = (typed: string) => typed.replace(/[\s\p{Pd}]/gu, '')

/**
 * A device without a browser shows a code; the person enters it here and sees who asks before
 * anything is decided. A link with a code only fills the field in: nothing happens without a press.
 */
export function Device() {
  const { m } = useLanguage()
  const words = m.device
  const { user_code = '' } = useSearch({ from: '/alone/device' })
  const { register, handleSubmit, formState } = useForm({ defaultValues: { code: user_code } })
  const claim = useMutation({
    mutationFn: async (code: string): Promise<Claimed> => ({
      ...(await call('POST /api/oauth/device/claim', { body: { user_code: code } })),
      code,
    }),
  })
  if (claim.data) return <DeviceRequest request={claim.data} code={claim.data.code} />
  return (
    <FormFrame title={words.title} lead={words.lead}>
      <form noValidate onSubmit={handleSubmit(({ code }) => claim.mutate(code))}>
        <Stack>
          {user_code !== '' && (
            <Callout tone="warn">
              <p>{words.fromLink}</p>
            </Callout>
          )}
          <CodeField
            label={words.code}
            hint={words.codeHint}
            inputMode="text"
            autoComplete="off"
            autoCapitalize="characters"
            maxLength={20}
            error={formState.errors.code?.message}
            {...register('code', {
              validate: (typed) => letters(typed).length === 8 || words.codeShape,
            })}
          />
          <RefusalNote error={claim.error} />
          <Button type="submit" kind="primary" wide busy={claim.isPending}>
            {words.submit}
          </Button>
        </Stack>
      </form>
    </FormFrame>
  )
}
