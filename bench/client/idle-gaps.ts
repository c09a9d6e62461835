import { Agent, get } from 'node:https'
import { join } from 'node:path'
import { keepAliveFetch } from '../../sdk/src/node/index.ts'
import { median } from '../median.ts'
import { certified } from './certified.ts'
import { far, keep, pause, round, versionOf } from './measure.ts'

/**
 * Claim 1, the other half. Calls a while apart over TLS 1.3: Node's own fetch gives an idle connection up
 * after four seconds and its https agent after five, unless the server says how long it keeps it;
 * `keepAliveFetch` after fifty. The arms run side by side, each on a line of its own: they do nothing
 * but wait.
 */
const R = 80
const S = 100
const gaps = [1, 6, 30]
const calls = 5

certified(import.meta.filename)

type Reply = { connections: number }
type Arm = { send(url: string): Promise<Reply>; close?(): Promise<void> }
const byFetch =
  (send: typeof fetch) =>
  async (url: string): Promise<Reply> => {
    const response = await send(url)
    await response.text()
    return { connections: Number(response.headers.get('x-connections')) }
  }
const arms: Record<string, () => Arm> = {
  'Node’s fetch': () => ({ send: byFetch(fetch) }),
  'Node’s https agent': () => {
    // As the global one is made, but for each line its own.
    const agent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5_000 })
    return {
      send: (url) =>
        new Promise((resolve, reject) => {
          get(url, { agent }, (response) => {
            const connections = Number(response.headers['x-connections'])
            response.resume().on('end', () => resolve({ connections }))
          }).on('error', reject)
        }),
    }
  },
  keepAliveFetch: () => {
    const tuned = keepAliveFetch()
    return { send: byFetch(tuned as typeof fetch), close: () => tuned.close() }
  },
}

const cells = [null, 65].flatMap((hint_s) =>
  gaps.flatMap((gap_s) => Object.keys(arms).map((arm) => ({ hint_s, gap_s, arm }))),
)
const idle = await Promise.all(
  cells.map(async ({ hint_s, gap_s, arm }) => {
    await using quiet = await far('far-server.ts', [String(R)], { HINT: String(hint_s ?? 0) })
    await pause(2_000) // until all of them have started
    const { send, close } = arms[arm]?.() ?? { send: byFetch(fetch) }
    const ms: number[] = []
    let connections = 0
    for (let n = 0; n < calls; n++) {
      if (n > 0) await pause(gap_s * 1_000)
      const began = performance.now()
      connections = (await send(`${quiet.origin}/?s=${S}`)).connections
      ms.push(performance.now() - began)
    }
    await close?.()
    return { gap_s, hint_s, arm, connections, ms }
  }),
)
const plain = (gap: number, hint: number | null) =>
  median(
    idle
      .find(({ gap_s, hint_s, arm }) => gap_s === gap && hint_s === hint && arm === 'Node’s fetch')
      ?.ms.slice(1) ?? [],
  )
for (const { gap_s, hint_s, arm, connections, ms } of idle) {
  const middle = median(ms.slice(1))
  console.log(
    `gap ${gap_s} s, hint ${hint_s ?? 'none'}: ${arm} ${connections} connections, ${round(middle, 4)} ms, saves ${round((1 - middle / plain(gap_s, hint_s)) * 100, 2)} %`,
  )
}
keep(
  'idle-gaps',
  { undici: versionOf(join(import.meta.dirname, '../../node_modules/undici')) },
  { R, S, calls, idle },
)
process.exit(0)
