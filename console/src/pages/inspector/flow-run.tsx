import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { type Console, modelsQuery, type OAuthApp } from '../../api/queries.ts'
import { LinkButton } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { Checkbox, Choices } from '../../design/field.tsx'
import { Columns, Row, Stack } from '../../design/page.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { scopeWords } from '../apps/scope-words.ts'
import { CheckCard } from './check-card.tsx'
import { ExchangeView, statusText } from './exchange-view.tsx'
import { type FlowId, flowIds, scopesFor, whyNot } from './flows.ts'
import styles from './inspector.module.css'
import { NextCard } from './next-card.tsx'
import type { Setup } from './requests.ts'
import { arrowsOf } from './sequence.ts'
import { SequencePicture } from './sequence-picture.tsx'
import type { TestSession } from './session.tsx'
import { useRun } from './use-run.ts'
import { useInspectorWords } from './words.ts'

/** The chosen flow with its options: the picture on one side, what was sent and comes next on the other. */
export function FlowRun(props: {
  app: OAuthApp
  server: Console
  session: TestSession
  onSetting(): void
}) {
  const words = useInspectorWords()
  const { app, server, session } = props
  const models = useQuery(modelsQuery)
  const first = flowIds.find((flow) => whyNot(flow, app) === null) ?? 'code'
  const [flow, setFlow] = useState<FlowId>(first)
  const [reveal, setReveal] = useState(false)
  const [options, setOptions] = useState<Options>({
    without: [],
    push: false,
    legacy: false,
    dpop: false,
  })
  const setup: Setup = {
    app,
    origin: server.origin,
    redirectUri: session.redirectUri,
    secret: session.secret,
    key: session.key,
    scopes: scopesFor(flow, app).filter((scope) => !options.without.includes(scope)),
    push: options.push,
    legacy: options.legacy && app.legacy_confidential,
    dpop: options.dpop || app.dpop_bound_access_tokens,
    model: models.data?.[0]?.id ?? 'MODEL',
  }
  const run = useRun(flow, setup, JSON.stringify([flow, options]))
  const happened = run.exchanges.map(({ id, step, ok, diagnosis, response }) => {
    const outcome = ok ? 'ok' : diagnosis?.tone === 'info' ? 'waiting' : 'failed'
    return { id, step, outcome, answer: statusText(response, words) } as const
  })
  const arrows = arrowsOf(flow, setup, happened, run.busy?.step ?? null)
  const newest = run.exchanges.at(-1)
  useEffect(() => {
    if (newest) showExchange(newest.id)
  }, [newest])
  return (
    <Stack gap="large">
      {run.held?.signedOut && (
        <Callout tone="warn" title={words.signedOut.title}>
          <p>{words.signedOut.text}</p>
          <Row>
            <LinkButton
              size="small"
              to="/sign-in"
              search={{ next: `/apps/${app.client_id}/inspector` }}
              reloadDocument
            >
              {words.signedOut.again}
            </LinkButton>
          </Row>
        </Callout>
      )}
      <FlowChoice app={app} value={flow} onChange={setFlow} />
      {flow !== 'check' && (
        <OptionsForm app={app} flow={flow} value={options} onChange={setOptions} />
      )}
      <div className={styles.sides}>
        <div className={styles.side}>
          <SequencePicture arrows={arrows} onShow={showExchange} />
        </div>
        <Stack>
          <Checkbox
            label={words.running.reveal}
            checked={reveal}
            onChange={(event) => setReveal(event.target.checked)}
          />
          {flow === 'check' && <CheckCard setup={setup} run={run} />}
          <div className={styles.exchanges}>
            {run.exchanges.map((exchange) => (
              <ExchangeView
                key={exchange.id}
                of={exchange}
                setup={setup}
                reveal={reveal}
                open={exchange === newest}
                onSetting={props.onSetting}
              />
            ))}
          </div>
          {flow !== 'check' && <NextCard flow={flow} setup={setup} run={run} reveal={reveal} />}
        </Stack>
      </div>
    </Stack>
  )
}

/** Opens the exchange and brings it into view, with the keyboard's place along. */
function showExchange(id: number): void {
  const element = document.getElementById(`exchange-${id}`)
  if (!(element instanceof HTMLDetailsElement)) return
  element.open = true
  element.scrollIntoView({ block: 'start' })
  element.querySelector('summary')?.focus({ preventScroll: true })
}

/** Radio buttons that look like cards; a flow that the app cannot do says why. */
function FlowChoice(props: { app: OAuthApp; value: FlowId; onChange(flow: FlowId): void }) {
  const words = useInspectorWords()
  return (
    <fieldset className={styles.flows}>
      <legend className={styles.partTitle}>{words.flow}</legend>
      {flowIds.map((flow) => {
        const reason = whyNot(flow, props.app)
        return (
          <label key={flow} className={styles.flow}>
            <input
              type="radio"
              name="flow"
              value={flow}
              checked={props.value === flow}
              disabled={reason !== null}
              onChange={() => props.onChange(flow)}
            />
            <span className={styles.flowText}>
              <span className={styles.flowTitle}>{words.flows[flow].title}</span>
              <span>{reason ? words.unavailable[reason] : words.flows[flow].text}</span>
            </span>
          </label>
        )
      })}
    </fieldset>
  )
}

/** `without`: scopes that are left out, so that a scope added to the app is asked for at once. */
type Options = { without: readonly string[]; push: boolean; legacy: boolean; dpop: boolean }

function OptionsForm(props: {
  app: OAuthApp
  flow: FlowId
  value: Options
  onChange(value: Options): void
}) {
  const { m } = useLanguage()
  const words = useInspectorWords().options
  const { app, flow, value, onChange } = props
  const toggle = (scope: string, asked: boolean) =>
    onChange({
      ...value,
      without: asked ? value.without.filter((one) => one !== scope) : [...value.without, scope],
    })
  return (
    <details className={styles.folded}>
      <summary>{words.title}</summary>
      <div className={styles.foldedBody}>
        <Choices legend={words.scopes} hint={words.applies}>
          <Columns>
            {scopesFor(flow, app).map((scope) => (
              <Checkbox
                key={scope}
                label={scopeWords(m, scope)}
                checked={!value.without.includes(scope)}
                onChange={(event) => toggle(scope, event.target.checked)}
              />
            ))}
          </Columns>
        </Choices>
        {flow === 'code' && (
          <Checkbox
            label={words.push}
            hint={words.pushHint}
            checked={value.push}
            onChange={(event) => onChange({ ...value, push: event.target.checked })}
          />
        )}
        {!app.dpop_bound_access_tokens && (
          <Checkbox
            label={words.dpop}
            hint={words.dpopHint}
            checked={value.dpop}
            onChange={(event) => onChange({ ...value, dpop: event.target.checked })}
          />
        )}
        {flow === 'code' && app.legacy_confidential && (
          <Checkbox
            label={words.legacy}
            hint={words.legacyHint}
            checked={value.legacy}
            onChange={(event) => onChange({ ...value, legacy: event.target.checked })}
          />
        )}
      </div>
    </details>
  )
}
