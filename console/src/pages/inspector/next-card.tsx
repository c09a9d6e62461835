import { useEffect, useState } from 'react'
import { Button, LinkButton } from '../../design/button.tsx'
import { Callout } from '../../design/callout.tsx'
import { CopyBox } from '../../design/copy.tsx'
import { Card, Muted, Row, Stack } from '../../design/page.tsx'
import { withProofAhead } from './dpop.ts'
import { Explained, partsOf, RequestView } from './exchange-view.tsx'
import { type FlowId, planOf } from './flows.ts'
import styles from './inspector.module.css'
import type { Setup } from './requests.ts'
import { steps } from './steps.ts'
import type { Run } from './use-run.ts'
import type { StepId } from './wire.ts'
import { useInspectorWords } from './words.ts'

/**
 * What comes next: the request as it will go out, the button that sends it, the mistakes one can
 * make on purpose, and whatever else the app could send now.
 */
export function NextCard(props: { flow: FlowId; setup: Setup; run: Run; reveal: boolean }) {
  const words = useInspectorWords()
  const { flow, setup, run, reveal } = props
  const { held, next, busy } = run
  if (!held) return null
  if (busy?.window) return <WaitingForPerson run={run} />
  const { core, uses } = planOf(flow, setup)
  const others = [...core, ...uses].filter(
    (step) =>
      // A spent code is a mistake, and stands there.
      step !== next && steps[step].ready(held) && !(step === 'token' && held.codeSpent),
  )
  const ahead = (step: StepId) =>
    withProofAhead(step, steps[step].request(setup, held, null), setup)
  const offered = next === null ? [] : mistakesOf(next)
  const inWindow = next === 'authorize' || next === 'logout'
  return (
    <Card title={next ? words.next.title(words.steps[next].title) : words.next.finished}>
      <Stack>
        <p>{next ? words.steps[next].text : words.next.finishedText}</p>
        {run.closed && (
          <Callout tone="warn">
            <p>{words.next.closed}</p>
          </Callout>
        )}
        {next === 'poll' && <UserCode run={run} />}
        {next && <StepNote step={next} setup={setup} run={run} />}
        <Row>
          {next && (
            <Button
              kind="primary"
              busy={busy !== null}
              icon={inWindow ? 'external' : 'chevron'}
              onClick={() => void run.run(next)}
            >
              {next === 'authorize'
                ? words.next.openWindow
                : inWindow
                  ? words.next.openSignOut
                  : words.next.send}
            </Button>
          )}
          {run.exchanges.length > 0 && (
            <Button kind="quiet" onClick={run.startOver}>
              {words.next.startOver}
            </Button>
          )}
        </Row>
        {next && (
          <>
            <RequestView label={words.next.preview} of={ahead(next)} reveal={reveal} />
            <Explained
              title={words.exchange.parameters}
              fields={partsOf(ahead(next))}
              reveal={reveal}
              open
            />
          </>
        )}
        <Mistakes of={offered} run={run} />
        {others.length > 0 && (
          <div className={styles.choices}>
            <h3 className={styles.partTitle}>{words.next.others}</h3>
            <Row>
              {others.map((step) => (
                <Button
                  key={step}
                  size="small"
                  busy={busy?.step === step}
                  onClick={() => void run.run(step)}
                >
                  {words.steps[step].title}
                </Button>
              ))}
            </Row>
          </div>
        )}
      </Stack>
    </Card>
  )

  /** Those of the next request, and the code once more as soon as it was redeemed. */
  function mistakesOf(step: StepId) {
    const own = held ? steps[step].mistakes(setup, held).map((mistake) => ({ step, mistake })) : []
    const again = held?.codeSpent && flow === 'code' && step !== 'token'
    return again ? [...own, { step: 'token' as const, mistake: 'code_again' as const }] : own
  }
}

type Offered = { step: StepId; mistake: Parameters<Run['run']>[1] & string }

function Mistakes(props: { of: readonly Offered[]; run: Run }) {
  const words = useInspectorWords()
  if (props.of.length === 0) return null
  return (
    <div className={styles.choices}>
      <h3 className={styles.partTitle}>{words.next.mistakes}</h3>
      <Muted>{words.next.mistakesText}</Muted>
      <Row>
        {props.of.map(({ step, mistake }) => (
          <Button
            key={step + mistake}
            size="small"
            busy={props.run.busy !== null}
            onClick={() => void props.run.run(step, mistake)}
          >
            {words.mistakes[mistake]}
          </Button>
        ))}
      </Row>
    </div>
  )
}

function WaitingForPerson(props: { run: Run }) {
  const words = useInspectorWords().next
  const { busy } = props.run
  if (!busy?.window) return null
  return (
    <Card>
      <Stack>
        {busy.window.opened ? (
          <p role="status">{words.waiting}</p>
        ) : (
          <>
            <p role="alert">{words.blocked}</p>
            <p>
              <a href={busy.url ?? ''} target="_blank" rel="noreferrer">
                {words.openHere}
              </a>
            </p>
          </>
        )}
        <Row>
          <Button onClick={() => busy.window?.stop()}>{words.stopWaiting}</Button>
        </Row>
      </Stack>
    </Card>
  )
}

/** What the device would show now. */
function UserCode(props: { run: Run }) {
  const words = useInspectorWords().next
  const { userCode } = props.run.held ?? {}
  if (!userCode) return null
  return (
    <Stack gap="small">
      <CopyBox label={words.userCode} value={userCode} />
      <Row>
        <LinkButton to="/device" search={{ user_code: userCode }} target="_blank" icon="external">
          {words.devicePage}
        </LinkButton>
      </Row>
    </Stack>
  )
}

/** What to know before this very request. */
function StepNote(props: { step: StepId; setup: Setup; run: Run }) {
  const words = useInspectorWords().next
  const { step, setup, run } = props
  const left = useSecondsLeft(
    step === 'present_again' && run.held?.rotatedAt !== undefined
      ? run.held.rotatedAt + setup.app.refresh_grace_seconds * 1_000
      : null,
  )
  if (step === 'chat') return <Muted>{words.costs}</Muted>
  if (step === 'logout')
    return (
      <Callout tone="warn">
        <p>{words.signsOut}</p>
      </Callout>
    )
  if (step !== 'present_again') return null
  return (
    <Muted>
      {words.grace(setup.app.refresh_grace_seconds)}{' '}
      {left > 0 ? words.graceLeft(left) : words.graceOver}
    </Muted>
  )
}

function useSecondsLeft(until: number | null): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (until === null) return
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [until])
  return until === null ? 0 : Math.max(0, Math.ceil((until - now) / 1_000))
}
