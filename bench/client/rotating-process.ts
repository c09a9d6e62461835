import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuth, endpoints, SignInRequired } from '../../sdk/src/index.ts'
import { fileStore } from '../../sdk/src/node/index.ts'
import { baseline } from './measure.ts'

/**
 * One of eight processes that share one sign-in and refresh all the time, until they are killed. Says
 * on stdout which sign-in has ended when a person would have to sign in, and waits for a line on stdin.
 */
const [way = '', issuer = '', token = '', dir = ''] = process.argv.slice(2)
const { CLIENT_ID = '', ACCOUNT = '' } = process.env
const client = { client_id: CLIENT_ID }
const headers = { 'x-pid': String(process.pid) }

/** Which sign-in we are at: asked before the tokens are read, so that they are never older than it says. */
const signIn = () => readFile(join(dir, 'sign-in'), 'utf8')
async function dead(number: string): Promise<void> {
  console.log(number)
  await new Promise((resolve) => process.stdin.once('data', resolve))
}

async function bySdk(): Promise<void> {
  for (;;) {
    const number = await signIn()
    // A keeper of its own each time: the limit on forced refreshes is per keeper and minute.
    const auth = createAuth({
      provider: endpoints({ issuer, token }),
      clientId: client.client_id,
      store: fileStore({ dir: join(dir, 'store') }),
      refresh: { background: false },
      fetch: (input, init) => {
        const all = new Headers(init?.headers)
        all.set('x-pid', headers['x-pid'])
        return fetch(input, { ...init, headers: all })
      },
    })
    const mine = auth.account(ACCOUNT)
    try {
      await mine.token({ stale: await mine.token() })
    } catch (error) {
      if (error instanceof SignInRequired) await dead(number)
      else await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await auth.close()
  }
}

type Kept = { access_token: string; refresh_token: string }
const file = join(dir, 'store', 'tokens.json')
const read = async () => JSON.parse(await readFile(file, 'utf8')) as Kept
const write = async (kept: Kept) => {
  const draft = `${file}.${process.pid}`
  await writeFile(draft, JSON.stringify(kept), { mode: 0o600 })
  await rename(draft, file)
}
/** Null when the refresh token is refused. */
async function redeem(refreshToken: string): Promise<Kept | null> {
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    ...client,
  })
  const response = await fetch(token, { method: 'POST', headers, body })
  return response.ok ? ((await response.json()) as Kept) : null
}

/** Reads again before and after: what the better command lines do. No lock. */
async function guarded(): Promise<void> {
  for (;;) {
    const number = await signIn()
    const before = await read()
    const next = await redeem(before.refresh_token).catch(() => undefined)
    if (next) await write(next)
    else if (next === null && (await read()).refresh_token === before.refresh_token)
      await dead(number)
  }
}

/** One refresh at a time in the process, tokens read once at its start, as most libraries do. */
async function singleFlight(): Promise<void> {
  let number = await signIn()
  let now = await read()
  for (;;) {
    const next = await redeem(now.refresh_token).catch(() => undefined)
    if (next) {
      now = next
      await write(now)
    } else if (next === null) {
      await dead(number)
      number = await signIn()
      now = await read()
    }
  }
}

/** proper-lockfile, as its README has it, over read, redemption and save. */
async function properLockfile(): Promise<void> {
  const { default: lockfile } = await import(`${baseline('proper-lockfile')}/index.js`)
  const retries = { retries: 2_000, minTimeout: 5, maxTimeout: 50, factor: 1.2 }
  for (;;) {
    let number = ''
    let ended = false
    try {
      const release = await lockfile.lock(file, { retries, stale: 2_000, update: 1_000 })
      try {
        number = await signIn()
        const before = await read()
        const next = await redeem(before.refresh_token)
        if (next) await write(next)
        else if ((await read()).refresh_token === before.refresh_token) ended = true
      } finally {
        await release()
      }
    } catch {
      // the lock was compromised, or the connection broke: the next round tells
    }
    if (ended) await dead(number)
  }
}

const ways: Record<string, () => Promise<void>> = {
  sdk: bySdk,
  guarded,
  'single-flight': singleFlight,
  'proper-lockfile': properLockfile,
}
await ways[way]?.()
