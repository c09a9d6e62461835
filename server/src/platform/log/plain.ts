import { styleText } from 'node:util'

type Line = { level: string; time: string; msg: string; err?: { message?: string; stack?: string } }

/**
 * One log line for a person at a terminal: `12:00:00 warn  message  field=value`. What is not JSON
 * passes unchanged. Production keeps the JSON.
 */
export function plainLine(line: string): string {
  let fields: Line & Record<string, unknown>
  try {
    fields = JSON.parse(line)
  } catch {
    return line
  }
  const { level, time, msg, err, ...rest } = fields
  if (msg === 'request') return `${requestLine(time, rest)}\n`
  const details = Object.entries(rest)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  const trouble = err ? `\n  ${err.stack ?? err.message ?? ''}` : ''
  return `${clockPart(time)} ${coloured(level)} ${msg}${details ? `  ${details}` : ''}${trouble}\n`
}

const requestLine = (
  time: string,
  { method, route, status, duration_ms }: Record<string, unknown>,
) =>
  `${clockPart(time)} ${String(status)} ${String(method)} ${String(route)} ${String(duration_ms)} ms`

const clockPart = (time: string) => time.slice(11, 19)

function coloured(level: string): string {
  const word = level.padEnd(5)
  if (level === 'error') return styleText('red', word)
  return level === 'warn' ? styleText('yellow', word) : word
}
