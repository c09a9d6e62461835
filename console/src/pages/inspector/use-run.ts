import { useEffect, useReducer, useRef, useState } from 'react'
import { stayWhenSignedOut } from '../../api/client.ts'
import { assertionHeld, withAssertion } from './assertion.ts'
import { type Diagnosis, diagnose } from './diagnose.ts'
import { proofHeld, withProof } from './dpop.ts'
import { type FlowId, nextStep } from './flows.ts'
import { freshAttempt } from './pkce.ts'
import type { Held, Mistake, Setup } from './requests.ts'
import { send } from './send.ts'
import { openSignIn, type Waiting } from './sign-in-window.ts'
import { steps } from './steps.ts'
import { fullUrl, refusalOf, type StepId, type WireRequest, type WireResponse } from './wire.ts'

/** One request with its answer, as it stays on the page. */
export type Exchange = {
  id: number
  step: StepId
  mistake: Mistake | null
  request: WireRequest
  response: WireResponse
  ms: number
  diagnosis: Diagnosis | null
  ok: boolean
  /** As it was when the request went out: what checks compare with. */
  held: Held
}

type State = { exchanges: readonly Exchange[]; held: Held | null }
type Action =
  | { kind: 'begin'; held: Held }
  | { kind: 'hold'; held: Partial<Held> }
  | { kind: 'add'; exchange: Exchange; gained: Partial<Held> }

function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case 'begin':
      return { exchanges: [], held: action.held }
    case 'hold':
      return state.held ? { ...state, held: { ...state.held, ...action.held } } : state
    case 'add':
      return {
        exchanges: [...state.exchanges, action.exchange],
        held: state.held && { ...state.held, ...action.gained },
      }
  }
}

/** Something is under way: a call, or a window that a person is in. */
type Busy = { step: StepId; window: Waiting | null; url: string | null }

/**
 * One run of one flow: what was sent and answered so far, what the app holds, and what comes next.
 * A new `runKey` (another flow, other options) starts it anew; nothing outlives the page.
 */
export function useRun(flow: FlowId, setup: Setup, runKey: string) {
  const [state, dispatch] = useReducer(reduce, { exchanges: [], held: null })
  const [busy, setBusy] = useState<Busy | null>(null)
  const [closed, setClosed] = useState(false)
  const [round, setRound] = useState(0)
  const window = useRef<Waiting | null>(null)
  const stays = useRef<(() => void) | null>(null)
  useEffect(() => () => stays.current?.(), [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the effect is about a new run beginning
  useEffect(() => {
    let current = true
    setClosed(false)
    void freshAttempt().then((attempt) => current && dispatch({ kind: 'begin', held: attempt }))
    return () => {
      current = false
      window.current?.stop()
    }
  }, [runKey, round])

  const { held, exchanges } = state
  const went = exchanges.filter(({ ok, mistake }) => ok && mistake === null)
  const done = new Set(went.map(({ step }) => step))

  const run = async (step: StepId, mistake: Mistake | null = null, more: Partial<Held> = {}) => {
    if (!held || busy) return
    const before = { ...held, ...more }
    const plain = steps[step].request(setup, before, mistake)
    const proven = await withAssertion(plain, setup, before, mistake)
    const request = await withProof(step, proven, setup, before, mistake)
    setClosed(false)
    // A request that nobody is sent back from would leave the person on an error page.
    const navigates = request.navigates && mistake !== 'wrong_redirect'
    // The console's own session ends with it; what was seen here is to stay readable.
    if (step === 'logout') stays.current ??= stayWhenSignedOut()
    const answered = navigates ? await inWindow(step, request, before) : await call(step, request)
    if (!answered) return setClosed(true)
    const { response, ms } = answered
    const diagnosis = diagnose({ step, request, response }, setup, before)
    const ok = refusalOf(response) === null && diagnosis?.finding !== 'state_mismatch'
    dispatch({
      kind: 'add',
      exchange: {
        id: exchanges.length + 1,
        step,
        mistake,
        request,
        response,
        ms,
        diagnosis,
        ok,
        held: before,
      },
      gained: {
        ...more,
        ...proofHeld(request, response, before),
        ...assertionHeld(request, before),
        ...(ok ? steps[step].absorb(before, response, Date.now()) : {}),
      },
    })
  }

  const call = async (step: StepId, request: WireRequest) => {
    setBusy({ step, window: null, url: null })
    const sent = await send(request)
    setBusy(null)
    return sent
  }

  const inWindow = async (step: StepId, request: WireRequest, before: Held) => {
    const began = performance.now()
    const url = fullUrl(request)
    const waiting = openSignIn(url, before.state)
    window.current = waiting
    setBusy({ step, window: waiting, url })
    const response = await waiting.answer
    setBusy(null)
    return response && { response, ms: performance.now() - began }
  }

  return {
    held,
    exchanges,
    done,
    busy,
    /** The window was closed, or given up, before an answer came. */
    closed,
    next: held && nextStep(flow, setup, held, done),
    run,
    startOver: () => setRound((before) => before + 1),
  }
}

export type Run = ReturnType<typeof useRun>
