import type { ReactNode } from 'react'
import { Badge } from '../../design/badge.tsx'
import { CodeBlock } from '../../design/copy.tsx'
import { Icon } from '../../design/icon.tsx'
import { Muted, Stack } from '../../design/page.tsx'
import { Table } from '../../design/table.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { curl } from './curl.ts'
import { checksOf } from './diagnose.ts'
import { DiagnosisNote } from './diagnosis-note.tsx'
import { bodyText, requestText } from './http-text.ts'
import styles from './inspector.module.css'
import { decodeJwt, instantOf } from './jwt.ts'
import { definedIn, isExplained, isSecret, masked } from './parameters.ts'
import type { Setup } from './requests.ts'
import type { Exchange } from './use-run.ts'
import { type Field, refusalOf, type WireRequest, type WireResponse } from './wire.ts'
import { type InspectorWords, useInspectorWords } from './words.ts'

/** One request with its answer; open while it is the newest. */
export function ExchangeView(props: {
  of: Exchange
  setup: Setup
  reveal: boolean
  open: boolean
  onSetting(): void
}) {
  const { format } = useLanguage()
  const words = useInspectorWords()
  const { of: exchange, reveal } = props
  const { step, mistake, response, ok, diagnosis } = exchange
  const checks = checksOf(exchange, props.setup, exchange.held)
  return (
    <details className={styles.exchange} id={`exchange-${exchange.id}`} open={props.open}>
      <summary className={styles.summary}>
        <span className={styles.number}>{exchange.id}</span>
        <span className={styles.summaryText}>
          <span className={styles.summaryTitle}>{words.steps[step].title}</span>
          {mistake && <Muted>{words.exchange.onPurpose(words.mistakes[mistake])}</Muted>}
        </span>
        <span className={styles.summaryEnd}>
          <Badge tone={ok ? 'good' : diagnosis?.tone === 'info' ? 'neutral' : 'danger'}>
            {statusText(response, words)}
          </Badge>
          <Muted>{words.exchange.ms(format.number(Math.round(exchange.ms)))}</Muted>
        </span>
      </summary>
      <div className={styles.exchangeBody}>
        <Stack>
          {diagnosis && <DiagnosisNote of={diagnosis} onSetting={props.onSetting} />}
          <RequestView
            label={`${exchange.id}. ${words.exchange.request}`}
            of={exchange.request}
            reveal={reveal}
          />
          <Explained
            title={words.exchange.parameters}
            fields={partsOf(exchange.request)}
            reveal={reveal}
          />
          <ResponseView of={response} number={exchange.id} reveal={reveal} />
          <Explained
            title={words.exchange.answers}
            fields={explainable(response.members)}
            reveal={reveal}
            open
          />
          {checks.length > 0 && <Checks of={checks} />}
          {[
            ...exchange.request.headers.filter(({ name }) => name === 'dpop'),
            ...partsOf(exchange.request).filter(({ name }) => jwts.has(name)),
            ...response.members.filter(({ name }) => /^(id|access)_token$/.test(name)),
          ].map(({ name, value }) => (
            <Decoded key={name} name={name} token={value} />
          ))}
        </Stack>
      </div>
    </details>
  )
}

const jwts: ReadonlySet<string> = new Set(['client_assertion', 'id_token_hint'])

/** The status, with the code of a refusal. */
export const statusText = (response: WireResponse, words: InspectorWords): string => {
  if (response.status === 0) return words.exchange.noAnswer
  const { code } = refusalOf(response) ?? {}
  const status = String(response.status)
  return code === undefined || code === status ? status : `${status} ${code}`
}

/** What is sent, as text to read and as a command to take along. */
export function RequestView(props: { of: WireRequest; label: string; reveal: boolean }) {
  const words = useInspectorWords()
  const { of: request, reveal } = props
  return (
    <CodeBlock
      label={props.label}
      code={requestText(request, { reveal })}
      copy={{ text: curl(request, { reveal }), label: words.exchange.copyCurl }}
    />
  )
}

function ResponseView(props: { of: WireResponse; number: number; reveal: boolean }) {
  const words = useInspectorWords()
  const { of: response, reveal } = props
  if (response.status === 0) return null
  if (response.body === null)
    return (
      <CodeBlock
        label={`${props.number}. ${words.exchange.cameBack}`}
        code={response.members
          .map(({ name, value }) => `${name}=${hidden({ name, value }, reveal)}`)
          .join('\n')}
      />
    )
  return (
    <Stack gap="small">
      <CodeBlock
        label={`${props.number}. ${words.exchange.response} · ${response.status}`}
        code={bodyText(response, { reveal })}
      />
      <Folded title={words.exchange.headers}>
        <ul className={styles.headers}>
          {response.headers.map(({ name, value }) => (
            <li key={name}>
              <code>
                {name}: {value}
              </code>
            </li>
          ))}
        </ul>
      </Folded>
    </Stack>
  )
}

export const partsOf = (request: WireRequest): Field[] => [
  ...request.query,
  ...request.headers,
  ...(request.form ?? []),
  ...Object.entries((request.json ?? {}) as object).map(([name, value]) => ({
    name,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  })),
]

const explainable = (fields: readonly Field[]) => fields.filter(({ name }) => isExplained(name))

/** Parameter, value, what it is for, and where it is defined. */
export function Explained(props: {
  title: string
  fields: readonly Field[]
  reveal: boolean
  open?: boolean
}) {
  if (props.fields.length === 0) return null
  return (
    <Folded title={props.title} {...(props.open && { open: true })}>
      <FieldTable
        caption={props.title}
        fields={props.fields}
        value={(field) => hidden(field, props.reveal)}
      />
    </Folded>
  )
}

function FieldTable(props: {
  caption: string
  fields: readonly Field[]
  value(field: Field): ReactNode
}) {
  const words = useInspectorWords()
  return (
    <Table
      caption={props.caption}
      rows={props.fields}
      rowKey={({ name }) => name}
      columns={[
        { title: words.exchange.name, main: true, cell: ({ name }) => <code>{name}</code> },
        {
          title: words.exchange.value,
          plain: true,
          cell: (field) => (
            <span className={styles.field}>
              <code>{props.value(field)}</code>
              {isExplained(field.name) && (
                <span>
                  {words.parameters[field.name]}{' '}
                  <span className={styles.defined}>{definedIn[field.name]}</span>
                </span>
              )}
            </span>
          ),
        },
      ]}
    />
  )
}

function Checks(props: { of: ReturnType<typeof checksOf> }) {
  const words = useInspectorWords()
  return (
    <div>
      <h3 className={styles.partTitle}>{words.exchange.checks}</h3>
      <ul className={styles.checks}>
        {props.of.map(({ name, ok }) => (
          <li key={name} className={ok ? styles.right : styles.wrong}>
            <Icon name={ok ? 'check' : 'alert'} size={18} />
            <span>
              <span className="visually-hidden">
                {ok ? words.exchange.checkOk : words.exchange.checkWrong}:{' '}
              </span>
              {words.exchange.checkNames[name]}
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** What stands inside a JWT. Claims are no secrets of the holder's: they are about the person here. */
function Decoded(props: { name: string; token: string }) {
  const { format } = useLanguage()
  const words = useInspectorWords()
  const jwt = decodeJwt(props.token)
  if (!jwt) return null
  const fieldsOf = (members: object) =>
    Object.entries(members).map(([name, value]) => ({
      name,
      value: typeof value === 'string' ? value : JSON.stringify(value),
    }))
  const readable = (field: Field) => {
    const at = instantOf(field.name, Number(field.value))
    return at === null ? field.value : `${field.value} · ${format.relative(at)}`
  }
  return (
    <Folded title={words.exchange.decoded(props.name)}>
      <FieldTable caption={words.exchange.header} fields={fieldsOf(jwt.header)} value={readable} />
      <FieldTable caption={words.exchange.claims} fields={fieldsOf(jwt.claims)} value={readable} />
    </Folded>
  )
}

function Folded(props: { title: string; open?: boolean; children: ReactNode }) {
  return (
    <details className={styles.folded} open={props.open === true}>
      <summary>{props.title}</summary>
      <div className={styles.foldedBody}>{props.children}</div>
    </details>
  )
}

const hidden = ({ name, value }: Field, reveal: boolean) =>
  !reveal && isSecret(name) ? masked(value) : value
