import { spawn } from 'node:child_process'
import { once } from 'node:events'

export type RunningProcess = {
  pid: number
  /** Everything written so far. */
  out(): string
  err(): string
  /** Resolves once the stream holds this text; fails when the process ends before. */
  saw(text: string, stream?: 'out' | 'err'): Promise<void>
  signal(name: NodeJS.Signals): void
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/**
 * Starts a program of ours as its users do, with nothing but the given environment, and `input` on
 * its stdin.
 */
export function startProcess(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  input?: string,
): RunningProcess {
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: '/tmp', NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => {}) // it may end without reading
  child.stdin.end(input)
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
    async saw(text, stream = 'out') {
      const seen = () => (stream === 'out' ? out : err).includes(text)
      const source = stream === 'out' ? child.stdout : child.stderr
      while (!seen()) {
        const event = await Promise.race([once(source, 'data'), ended])
        if (!Array.isArray(event) && !seen())
          throw new Error(`ended without “${text}”:\n${out}\n${err}`)
      }
    },
    signal: (name) => void child.kill(name),
    ended,
  }
}
