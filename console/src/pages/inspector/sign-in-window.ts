import { answerAt } from './send.ts'
import { valueNamed, type WireResponse } from './wire.ts'

const channelName = 'latchkey-inspector'
const lookEveryMs = 400

/** On the page that the browser comes back to: hands the answer to the page that waits for it. */
export function handBack(search: string): void {
  const channel = new BroadcastChannel(channelName)
  channel.postMessage(search)
  channel.close()
}

export type Waiting = {
  /** False where the browser refused to open a window; the person then opens the address by hand. */
  opened: boolean
  /** The answer with this `state`; null when the window was closed without one, or on `stop`. */
  answer: Promise<WireResponse | null>
  stop(): void
}

/**
 * Opens the authorization request in a window of its own, so that this page, and with it the secret
 * it must not store, stays. Answers come over a channel of our origin; whatever carries another
 * `state` is for somebody else, and without one it is an error that names none.
 */
export function openSignIn(url: string, state: string): Waiting {
  const channel = new BroadcastChannel(channelName)
  const opened = window.open(url, 'latchkey-inspector', 'popup,width=520,height=760')
  let settle: (answer: WireResponse | null) => void = () => {}
  const answer = new Promise<WireResponse | null>((resolve) => {
    settle = resolve
  })
  let closedBefore = false
  // A window that was closed right after it handed the answer over: the message comes first.
  const timer = setInterval(() => {
    if (closedBefore) done(null)
    closedBefore = opened?.closed === true
  }, lookEveryMs)
  const done = (result: WireResponse | null) => {
    clearInterval(timer)
    channel.close()
    settle(result)
  }
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (typeof data !== 'string') return
    const came = answerAt(data)
    if (valueNamed(came.members, 'state') === state) done(came)
  }
  return { opened: opened !== null, answer, stop: () => done(null) }
}
