import { type FlowId, planOf } from './flows.ts'
import type { Setup } from './requests.ts'
import type { StepId } from './wire.ts'

export const lanes = ['browser', 'app', 'latchkey', 'gateway'] as const
export type Lane = (typeof lanes)[number]

/** What is drawn on an arrow: as it goes over the wire, or a name the messages put in words. */
export type Label =
  | { text: string }
  | { words: 'link' | 'consent' | 'code' | 'user_page' | 'sign_out' | 'signed_out' | 'answer' }

export type Arrow = {
  from: Lane
  to: Lane
  label: Label
  state: 'planned' | 'waiting' | 'done' | 'failed'
  /** The exchange it belongs to; null where none has happened yet. */
  exchange: number | null
}

type Shape = readonly Pick<Arrow, 'from' | 'to' | 'label'>[]

const call = (path: string, to: Lane = 'latchkey'): Shape => [
  { from: 'app', to, label: { text: path } },
  { from: to, to: 'app', label: { words: 'answer' } },
]

const shapes: Record<StepId, Shape> = {
  push: call('POST /oauth/par'),
  authorize: [
    { from: 'app', to: 'browser', label: { words: 'link' } },
    { from: 'browser', to: 'latchkey', label: { text: 'GET /oauth/authorize' } },
    { from: 'latchkey', to: 'browser', label: { words: 'consent' } },
    { from: 'browser', to: 'app', label: { words: 'code' } },
  ],
  token: call('POST /oauth/token'),
  device: call('POST /oauth/device'),
  poll: call('POST /oauth/token'),
  machine: call('POST /oauth/token'),
  userinfo: call('GET /oauth/userinfo'),
  models: call('GET /v1/models', 'gateway'),
  chat: call('POST /v1/chat/completions', 'gateway'),
  introspect: call('POST /oauth/introspect'),
  refresh: call('POST /oauth/token'),
  present_again: call('POST /oauth/token'),
  revoke: call('POST /oauth/revoke'),
  logout: [
    { from: 'app', to: 'browser', label: { words: 'link' } },
    { from: 'browser', to: 'latchkey', label: { text: 'GET /oauth/logout' } },
    { from: 'latchkey', to: 'browser', label: { words: 'sign_out' } },
    { from: 'browser', to: 'app', label: { words: 'signed_out' } },
  ],
  check: call('POST /oauth/par'),
}

/** What the person does meanwhile, beside the app: it is done once a poll went well. */
const personEnters: Pick<Arrow, 'from' | 'to' | 'label'> = {
  from: 'browser',
  to: 'latchkey',
  label: { words: 'user_page' },
}

/** `answer`: how the last message of it reads, such as its status. Waiting is neither good nor failed. */
type Happened = { id: number; step: StepId; outcome: 'ok' | 'waiting' | 'failed'; answer: string }

/**
 * The picture: what happened, arrow by arrow, and then, pale, what leads from here to a first call
 * with the token. `waiting` is the step whose answer is still out.
 */
export function arrowsOf(
  flow: FlowId,
  setup: Setup,
  happened: readonly Happened[],
  waiting: StepId | null,
): Arrow[] {
  const reached = new Set(
    happened.filter(({ outcome }) => outcome === 'ok').map(({ step }) => step),
  )
  const past = happened.flatMap(({ id, step, outcome, answer }) => {
    const arrows = shapes[step].map((shape, at, all): Arrow => {
      const failed = outcome === 'failed' && at === all.length - 1
      const told = 'words' in shape.label && (failed || shape.label.words === 'answer')
      return {
        ...shape,
        label: told ? { text: answer } : shape.label,
        exchange: id,
        state: failed ? 'failed' : 'done',
      }
    })
    if (step !== 'device' || outcome !== 'ok') return arrows
    const state = reached.has('poll') ? 'done' : 'waiting'
    return [...arrows, { ...personEnters, exchange: null, state } satisfies Arrow]
  })
  const now = waiting
    ? shapes[waiting].map((shape, at, all): Arrow => {
        const last = at === all.length - 1
        return { ...shape, exchange: null, state: last ? 'planned' : 'waiting' }
      })
    : []
  const { core, uses } = planOf(flow, setup)
  const planned = [...core, ...uses.filter((step) => step === 'models')]
    .filter((step) => !reached.has(step) && step !== waiting)
    .flatMap((step) => (step === 'device' ? [...shapes.device, personEnters] : shapes[step]))
    .map((shape): Arrow => ({ ...shape, exchange: null, state: 'planned' }))
  return [...past, ...now, ...planned]
}
