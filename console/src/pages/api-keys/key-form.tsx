import { useQuery } from '@tanstack/react-query'
import type { UseFormReturn } from 'react-hook-form'
import { modelsQuery, projectsQuery } from '../../api/queries.ts'
import { Checkbox, Choices, Field, Select, TextArea } from '../../design/field.tsx'
import { Columns, Stack } from '../../design/page.tsx'
import { fieldError } from '../../design/states.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import styles from './key-form.module.css'
import { gatewayScopes, type KeyValues } from './key-values.ts'

/** Name first; everything else is folded away, because the usual key needs none of it. */
export function KeyForm(props: {
  form: UseFormReturn<KeyValues>
  error: unknown
  creating?: boolean
}) {
  const { m } = useLanguage()
  const { register, formState } = props.form
  const words = m.keys
  const projects = useQuery(projectsQuery)
  const models = useQuery(modelsQuery)
  const wrong = (field: string) => fieldError(props.error, field)
  const number = { type: 'number', inputMode: 'numeric', min: 1, step: 1, optional: true } as const
  return (
    <Stack>
      <Field
        label={words.name}
        hint={words.nameHint}
        autoComplete="off"
        maxLength={100}
        error={formState.errors.name?.message ?? wrong('name')}
        {...register('name', { required: words.nameNeeded })}
      />
      {props.creating && (projects.data?.length ?? 0) > 1 && (
        <Select label={words.project} {...register('project')}>
          {projects.data?.map((project) => (
            <option key={project.id} value={project.id}>
              {project.name}
            </option>
          ))}
        </Select>
      )}
      <details className={styles.advanced} open={!props.creating}>
        <summary>
          {words.advanced} <span className={styles.note}>{words.advancedHint}</span>
        </summary>
        <div className={styles.inner}>
          <Choices legend={words.scopes} hint={words.scopesHint}>
            <div className={styles.grid}>
              {gatewayScopes.map((scope) => (
                <Checkbox
                  key={scope}
                  label={words.scopeNames[scope]}
                  value={scope}
                  {...register('scopes')}
                />
              ))}
            </div>
          </Choices>
          <Choices legend={words.models} hint={words.modelsHint}>
            <div className={styles.grid}>
              {models.data?.map((model) => (
                <Checkbox
                  key={model.id}
                  label={model.id}
                  value={model.id}
                  {...register('models')}
                />
              ))}
            </div>
          </Choices>
          <Columns>
            <Field
              label={words.rpm}
              {...number}
              error={wrong('limits.requests_per_minute')}
              {...register('rpm')}
            />
            <Field
              label={words.tpm}
              {...number}
              error={wrong('limits.tokens_per_minute')}
              {...register('tpm')}
            />
            <Field
              label={words.concurrency}
              {...number}
              error={wrong('limits.concurrency')}
              {...register('concurrency')}
            />
          </Columns>
          <Columns>
            <Field
              label={words.budget}
              hint={words.budgetHint}
              type="number"
              inputMode="decimal"
              min={0}
              step="0.01"
              optional
              error={wrong('budget.amount_micros')}
              {...register('budget')}
            />
            <Select label={words.period} {...register('period')}>
              {(['month', 'day', 'total'] as const).map((period) => (
                <option key={period} value={period}>
                  {words.periods[period]}
                </option>
              ))}
            </Select>
          </Columns>
          <Columns>
            <Field
              label={words.expiry}
              hint={words.expiryHint}
              type="date"
              optional
              error={wrong('expires_at')}
              {...register('expires')}
            />
            <Select
              label={words.declaredUse}
              hint={words.declaredUseHint}
              {...register('declaredUse')}
            >
              <option value="">{words.declaredUses.none}</option>
              {(['server', 'team', 'ci', 'mobile', 'serverless'] as const).map((use) => (
                <option key={use} value={use}>
                  {words.declaredUses[use]}
                </option>
              ))}
            </Select>
          </Columns>
          <TextArea
            label={words.ips}
            hint={words.ipsHint}
            optional
            rows={3}
            spellCheck={false}
            error={wrong('allowed_ips')}
            {...register('ips')}
          />
        </div>
      </details>
    </Stack>
  )
}
