import { spawn } from 'node:child_process'
import { once } from 'node:events'

export type RunningProcess = {
  pid: number
  /** Everything written so far. */
  out(): string
  err(): string
  /** Resolves once stdout holds this text; fails when the process ends before. */
  saw(text: string): Promise<void>
  signal(name: NodeJS.Signals): void
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Starts a program of ours as its users do, with nothing but the given environment. */
export function startProcess(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
): RunningProcess {
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: '/tmp', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  return {
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    async saw(text) {
      while (!out.includes(text)) {
        const event = await Promise.race([once(child.stdout, 'data'), ended])
        if (!Array.isArray(event) && !out.includes(text))
          throw new Error(`ended without “${text}”:\n${out}\n${err}`)
      }
    },
    signal: (name) => void child.kill(name),
    ended,
  }
}
