import { pino } from 'pino'

/** The logger's shape that rooms may rely on. Fields are ids, counts and codes, never bodies or headers. */
export type Log = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Log
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/**
 * The last net before a line leaves: keys of ours under any configured prefix (49 base62 behind an
 * underscore), keys of model servers, JWTs and bearer values. Rooms do not log secrets in the first
 * place; this catches what a library puts into an error text.
 */
const secretPattern =
  /\b(?:[a-z][a-z0-9-]{1,40}_[0-9A-Za-z]{49}|sk-[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})|(?<=\b[Bb]earer )[\w.~+/-]{8,}/g

export const redact = (text: string): string => text.replaceAll(secretPattern, '[secret]')

export function createLog(
  level: LogLevel,
  write: (line: string) => void = (line) => process.stdout.write(line),
): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFields },
    },
    { write: (line: string) => write(redact(line)) },
  )
}

/**
 * Name, message, code and stack of an error, without the properties libraries hang onto it. What this
 * has made already stays as it is: the logger does the same to every `err`.
 */
export function errorFields(error: unknown): object {
  if (!(error instanceof Error))
    return made.has(error as object) ? (error as object) : { message: String(error) }
  const { code } = error as NodeJS.ErrnoException
  const { name: type, message, stack } = error
  const fields = { type, message, ...(code ? { code } : {}), stack }
  made.add(fields)
  return fields
}

const made = new WeakSet<object>()
