import type { UseFormReturn } from 'react-hook-form'
import { Refusal } from '../../api/client.ts'
import { Field, Select, TextArea } from '../../design/field.tsx'
import { fieldError } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { type AppValues, authMethods, readKeys } from './app-values.ts'

/** Which of the keys was refused and why, or what is wrong with all of them. */
function keyError(error: unknown): string | undefined {
  if (!(error instanceof Refusal)) return undefined
  return error.fields.find(({ field }) => field.split('.')[0] === 'jwks')?.message
}

/** How the app proves that it is itself: a secret, or a key that never leaves it. */
export function ProofFields(props: { form: UseFormReturn<AppValues>; error: unknown }) {
  const { m } = useLanguage()
  const { register, formState, watch } = props.form
  const words = m.apps
  const method = watch('authMethod')
  return (
    <>
      <Select
        label={words.proof}
        hint={words.proofHints[method]}
        error={fieldError(props.error, 'token_endpoint_auth_method')}
        {...register('authMethod')}
      >
        {authMethods.map((one) => (
          <option key={one} value={one}>
            {words.proofs[one]}
          </option>
        ))}
      </Select>
      {method === 'private_key_jwt' && (
        <>
          <TextArea
            label={words.keys}
            hint={words.keysHint}
            rows={4}
            spellCheck={false}
            error={formState.errors.keys?.message ?? keyError(props.error)}
            {...register('keys', {
              validate: (text) => readKeys(text) !== undefined || words.keysShape,
            })}
          />
          <Field
            label={words.keysAddress}
            hint={words.keysAddressHint}
            type="url"
            spellCheck={false}
            autoComplete="off"
            error={fieldError(props.error, 'jwks_uri')}
            {...register('keysAddress')}
          />
        </>
      )}
    </>
  )
}
