import { join } from 'node:path'
import { keepAliveFetch } from '../../sdk/src/node/index.ts'
import { far, keep, median, pause, round, versionOf } from './measure.ts'

/**
 * Claim 1, the other half. Calls a while apart: Node's own fetch gives an idle connection up after four
 * seconds, unless the server says how long it keeps it; `keepAliveFetch` after fifty. Plain HTTP, so a
 * new connection costs one round trip here, over TLS 1.3 it costs two. The arms run side by side, each
 * on a line of its own: they do nothing but wait.
 */
const R = 80
const S = 100
const gaps = [1, 6, 20]
const calls = 5

const arms = [null, 65].flatMap((hint_s) =>
  gaps.flatMap((gap_s) =>
    (['Node’s fetch', 'keepAliveFetch'] as const).map((arm) => ({ hint_s, gap_s, arm })),
  ),
)
const idle = await Promise.all(
  arms.map(async ({ hint_s, gap_s, arm }) => {
    await using quiet = await far('far-server.ts', [String(R)], { HINT: String(hint_s ?? 0) })
    const tuned = arm === 'keepAliveFetch' ? keepAliveFetch() : null
    const send = tuned ?? fetch
    const ms: number[] = []
    let connections = 0
    for (let n = 0; n < calls; n++) {
      if (n > 0) await pause(gap_s * 1_000)
      const began = performance.now()
      const response = await send(`${quiet.origin}/?s=${S}`)
      await response.text()
      ms.push(performance.now() - began)
      connections = Number(response.headers.get('x-connections'))
    }
    await tuned?.close()
    return { gap_s, hint_s, arm, connections, ms }
  }),
)
for (const { gap_s, hint_s, arm, connections, ms } of idle)
  console.log(
    `gap ${gap_s} s, hint ${hint_s ?? 'none'}: ${arm} ${connections} connections, ${round(median(ms.slice(1)), 4)} ms`,
  )
keep(
  'idle-gaps',
  { undici: versionOf(join(import.meta.dirname, '../../node_modules/undici')) },
  { R, S, idle },
)
