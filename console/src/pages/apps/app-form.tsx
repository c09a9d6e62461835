import type { UseFormReturn } from 'react-hook-form'
import { Refusal } from '../../api/client.ts'
import { Checkbox, Choices, Field, Select, TextArea } from '../../design/field.tsx'
import { Columns, Stack } from '../../design/page.tsx'
import { fieldError } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import {
  type AppValues,
  addressesIn,
  appKinds,
  appScopes,
  withoutRedirect,
  withProof,
} from './app-values.ts'
import { ProofFields } from './proof-fields.tsx'
import { scopeWords } from './scope-words.ts'

/** One form for registering and changing; the kind is fixed once an app exists. */
export function AppForm(props: {
  form: UseFormReturn<AppValues>
  error: unknown
  creating?: boolean
}) {
  const { m } = useLanguage()
  const { register, formState, watch } = props.form
  const words = m.apps
  const kind = watch('kind')
  return (
    <Stack>
      <Field
        label={words.name}
        hint={words.nameHint}
        autoComplete="off"
        maxLength={80}
        error={formState.errors.name?.message ?? fieldError(props.error, 'name')}
        {...register('name', { required: m.keys.nameNeeded })}
      />
      {props.creating && (
        <Select label={words.type} hint={words.typeHints[kind]} {...register('kind')}>
          {appKinds.map((one) => (
            <option key={one} value={one}>
              {words.types[one]}
            </option>
          ))}
        </Select>
      )}
      {!withoutRedirect(kind) && (
        <TextArea
          label={words.redirects}
          hint={words.redirectsHint}
          rows={3}
          spellCheck={false}
          placeholder="https://app.example.com/callback"
          error={
            formState.errors.redirects?.message ??
            addressError(props.error, 'redirect_uris', watch('redirects'))
          }
          {...register('redirects', {
            validate: (value) => value.trim() !== '' || words.redirectsNeeded,
          })}
        />
      )}
      <Choices legend={words.scopes} hint={words.scopesHint}>
        <Columns>
          {appScopes
            .filter((scope) => kind !== 'service' || scope.includes(':'))
            .map((scope) => (
              <Checkbox
                key={scope}
                label={scopeWords(m, scope)}
                value={scope}
                {...register('scopes')}
              />
            ))}
        </Columns>
      </Choices>
      {!props.creating && (
        <>
          {withProof(kind) && <ProofFields form={props.form} error={props.error} />}
          {!withoutRedirect(kind) && (
            <TextArea
              label={words.signedOutTo}
              hint={words.signedOutToHint}
              rows={2}
              spellCheck={false}
              placeholder="https://app.example.com/"
              error={addressError(props.error, 'post_logout_redirect_uris', watch('signedOutTo'))}
              {...register('signedOutTo')}
            />
          )}
          {kind === 'web' && (
            <>
              <Field
                label={words.backchannel}
                hint={words.backchannelHint}
                type="url"
                spellCheck={false}
                autoComplete="off"
                placeholder="https://app.example.com/signed-out"
                error={fieldError(props.error, 'backchannel_logout_uri')}
                {...register('backchannel')}
              />
              {watch('backchannel').trim() !== '' && (
                <Checkbox
                  label={words.backchannelSession}
                  hint={words.backchannelSessionHint}
                  {...register('backchannelSession')}
                />
              )}
            </>
          )}
          <Field
            label={words.grace}
            hint={words.graceHint}
            type="number"
            min={0}
            max={300}
            error={fieldError(props.error, 'refresh_grace_seconds')}
            {...register('grace')}
          />
          <Columns>
            <Field
              label={words.idleDays}
              hint={words.idleHint}
              type="number"
              min={0}
              max={180}
              step="any"
              error={fieldError(props.error, 'refresh_idle_seconds')}
              {...register('idleDays')}
            />
            <Field
              label={words.absoluteDays}
              hint={words.absoluteHint}
              type="number"
              min={0}
              max={180}
              step="any"
              error={fieldError(props.error, 'refresh_absolute_seconds')}
              {...register('absoluteDays')}
            />
          </Columns>
          <Checkbox label={words.dpop} hint={words.dpopHint} {...register('dpop')} />
          {kind !== 'service' && (
            <Checkbox
              label={words.fullIdToken}
              hint={words.fullIdTokenHint}
              {...register('fullIdToken')}
            />
          )}
          {kind !== 'service' && (
            <Checkbox label={words.rs256} hint={words.rs256Hint} {...register('rs256')} />
          )}
          {kind === 'web' && (
            <Checkbox label={words.legacy} hint={words.legacyHint} {...register('legacy')} />
          )}
        </>
      )}
    </Stack>
  )
}

/** Which of the addresses was refused and why, each with the address it is about. */
function addressError(error: unknown, name: string, text: string): string | undefined {
  if (!(error instanceof Refusal)) return undefined
  const lines = addressesIn(text)
  const reasons = error.fields
    .filter(({ field }) => field.split('.')[0] === name)
    .map(({ field, message }) => {
      const line = lines[Number(field.split('.')[1])]
      return line ? `${line}: ${message}` : message
    })
  return reasons.length > 0 ? reasons.join('\n') : undefined
}
