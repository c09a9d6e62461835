import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { memoryStore } from '../../sdk/src/index.ts'
import { fileStore } from '../../sdk/src/node/index.ts'
import { seededRandom } from '../../sdk/src/testing/index.ts'
import { round } from './measure.ts'
import type { Place } from './rotation-places.ts'

/** Shares of token requests at which a process is killed: its own sender, or any of them. */
export const fates = {
  sender_before_the_provider_sees_it: 0.05,
  sender_after_rotation_before_the_reply: 0.05,
  sender_within_8_ms_of_the_reply: 0.1,
  anyone_within_300_ms: 0.1,
}
type When = 'request' | 'reply' | 'save' | 'any'
type Spent = { pid: number; at: number; token: string; successor: string | null }

/**
 * Processes of one way that share one sign-in at one place and refresh all the time, with a relay before
 * the token endpoint that sees every request and kills -9. Whoever is told to sign in has somebody sign
 * in, and goes on.
 */
export async function run(
  way: string,
  place: Place,
  by: { processes: number; refreshes: number; seed: number; limitMs: number },
) {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  mkdirSync(join(dir, 'store'), { mode: 0o700 })
  const random = seededRandom(by.seed)
  const spent: Spent[] = []
  const killed = new Map<number, number>()
  const kills: Record<When, number> = { request: 0, reply: 0, save: 0, any: 0 }
  const children = new Map<number, ChildProcess>()
  const kill = (pid: number, when: When) => {
    if (!children.get(pid)?.kill('SIGKILL') || killed.has(pid)) return
    killed.set(pid, performance.now())
    kills[when]++
  }
  const began = performance.now()
  let rotations = 0
  let done = false

  const relay = createServer(async (incoming, outgoing) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of incoming) chunks.push(chunk as Uint8Array)
    const body = Buffer.concat(chunks)
    const at = performance.now()
    const pid = Number(incoming.headers['x-pid'])
    const fate = random.fraction()
    const delay = random.fraction()
    if (fate < 0.05) {
      kill(pid, 'request')
      return outgoing.destroy()
    }
    const answer = await fetch(place.token, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    })
    const text = await answer.text()
    const token = new URLSearchParams(body.toString()).get('refresh_token') ?? ''
    const successor = answer.ok
      ? (JSON.parse(text) as { refresh_token: string }).refresh_token
      : null
    if (successor !== null && !spent.some((one) => one.successor === successor)) rotations++
    spent.push({ pid, at, token, successor })
    if (rotations >= by.refreshes) done = true
    if (fate < 0.1) {
      kill(pid, 'reply')
      return outgoing.destroy()
    }
    if (fate < 0.2) setTimeout(() => kill(pid, 'save'), delay * 8)
    else if (fate < 0.3)
      setTimeout(() => {
        const pids = [...children.keys()]
        kill(pids[Math.floor(random.fraction() * pids.length)] ?? 0, 'any')
      }, delay * 300)
    outgoing.writeHead(answer.status, { 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const token = `http://127.0.0.1:${(relay.address() as AddressInfo).port}/token`

  const forced: { at_refresh: number; cut_off: boolean }[] = []
  let current = 0
  const signIn = async () => {
    if (way === 'sdk') await place.signIn(fileStore({ dir: join(dir, 'store') }))
    else {
      const { issuer, clientId, account } = place
      const store = memoryStore()
      await place.signIn(store)
      const stored = await store.load({ issuer, clientId, account, resource: '' })
      if (stored.state !== 'present') throw new Error('the sign-in left nothing')
      const { accessToken, refreshToken } = stored.credential.tokens
      const kept = { access_token: accessToken.reveal(), refresh_token: refreshToken?.reveal() }
      writeFileSync(join(dir, 'store', 'tokens.json'), JSON.stringify(kept), { mode: 0o600 })
    }
    // Whoever reads this number finds the tokens of that sign-in, or newer ones.
    writeFileSync(join(dir, 'sign-in'), `${++current}`)
  }
  let signingIn: Promise<void> | null = null
  const start = () => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'rotating-process.ts'), way, place.issuer, token, dir],
      {
        stdio: ['pipe', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
        env: { ...process.env, CLIENT_ID: place.clientId, ACCOUNT: place.account },
      },
    )
    children.set(child.pid ?? 0, child)
    child.stdin?.on('error', () => {})
    createInterface(child.stdout).on('line', async (line) => {
      // Several find the same death, some of them late: one sign-in helps all.
      if (Number(line) === current) {
        signingIn ??= (async () => {
          forced.push({ at_refresh: rotations, cut_off: cutOff(spent, killed) })
          await signIn()
          signingIn = null
        })()
      }
      await signingIn
      child.stdin?.write('go on\n')
    })
    child.on('exit', () => {
      children.delete(child.pid ?? 0)
      if (!done) start()
    })
  }
  await signIn()
  for (let n = 0; n < by.processes; n++) start()
  while (!done && performance.now() - began < by.limitMs)
    await new Promise((resolve) => setTimeout(resolve, 20))
  done = true
  for (const child of children.values()) child.kill('SIGKILL')
  while (children.size > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  relay.close()
  relay.closeAllConnections()
  rmSync(dir, { recursive: true })

  const answered = spent.filter(({ successor }) => successor !== null)
  const generations = new Set(answered.map(({ token }) => token)).size
  return {
    refreshes: rotations,
    seconds: round((performance.now() - began) / 1_000),
    kills,
    forced_sign_ins: forced.length,
    of_them_cut_off_between_rotation_and_save: forced.filter(({ cut_off }) => cut_off).length,
    forced_sign_ins_per_1000: round((forced.length / rotations) * 1_000),
    token_requests: spent.length,
    refused: spent.length - answered.length,
    answered_again: answered.length - rotations,
    // Each successor has a spent token of its own, or else one token was spent into two.
    generations,
    redemptions_beyond_one_per_generation: rotations - generations,
    forced_at_refresh: {
      cut_off: forced.filter(({ cut_off }) => cut_off).map(({ at_refresh }) => at_refresh),
      otherwise: forced.filter(({ cut_off }) => !cut_off).map(({ at_refresh }) => at_refresh),
    },
  }
}

/**
 * Whether the newest rotation's answer went down with its process before anybody could have saved it: what
 * was refused last is the token it spent, nobody has shown its successor, and its process was dead by then.
 */
function cutOff(spent: readonly Spent[], killed: ReadonlyMap<number, number>): boolean {
  const refused = spent.findLast(({ successor }) => successor === null)
  const rotation = spent.findLast(({ successor }) => successor !== null)
  if (!refused || rotation?.token !== refused.token) return false
  if (spent.some(({ token }) => token === rotation.successor)) return false
  return (killed.get(rotation.pid) ?? Number.POSITIVE_INFINITY) <= refused.at
}
