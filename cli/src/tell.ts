import { storeError } from '../../sdk/src/credentials/store.ts'
import {
  LatchkeyError,
  SignInFailed,
  SignInRequired,
  StoreUnavailable,
} from '../../sdk/src/errors/errors.ts'
import type { Context } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { Trouble } from './trouble.ts'

function exitCodeOf(error: LatchkeyError): number {
  if (error instanceof StoreUnavailable) return exitCodes.store
  switch (error.code) {
    case 'provider_unavailable':
    case 'request_failed':
    case 'rate_limited':
    case 'queue_timeout':
      return exitCodes.unavailable
    default:
      return error instanceof SignInRequired && error.reason !== 'suspended'
        ? exitCodes.signInRequired
        : exitCodes.refused
  }
}

/** What the system says about files and their locks. The network's errors arrive as the SDK's. */
const isStorage = (error: unknown): boolean =>
  error instanceof Error &&
  (('syscall' in error && 'path' in error) ||
    (error as NodeJS.ErrnoException).code === 'ERR_SQLITE_ERROR')

/** Everything that can be thrown at us, as trouble that can be told. `signIn` is the command for it. */
export function troubleOf(error: unknown, context: Context, signIn = 'latchkey login'): Trouble {
  if (error instanceof Trouble) return error
  if (isStorage(error)) {
    const voice = { locale: context.locale, helpBase: null }
    return troubleOf(storeError(error, voice), context)
  }
  if (error instanceof LatchkeyError) {
    const { happened, next } = error.words(context.locale)
    const again = error instanceof SignInRequired || error instanceof SignInFailed
    // Without a provider of ours there is no article to open, only a section of our documents.
    const help = /^https?:/.test(error.help) ? error.help : null
    return new Trouble(happened, {
      code: error.code,
      exitCode: exitCodeOf(error),
      next: again ? `${next} ${context.m.common.run(signIn)}` : next,
      help,
      retryAt: error.retryAt,
      cause: error,
    })
  }
  const message = error instanceof Error ? error.message : String(error)
  return new Trouble(message, { code: 'unexpected', exitCode: exitCodes.failed, cause: error })
}

/** What a program may want to tell apart among the ways a sign-in can end. */
const why = (cause: unknown) =>
  cause instanceof SignInRequired
    ? { reason: cause.reason, revoked_because: cause.revokedBecause }
    : {}

/** Tells it: with `--json` as the one document on stdout, else in two lines on stderr. */
export function tell(trouble: Trouble, { json, terminal, m }: Context): void {
  const { code, exitCode, next, help, retryAt } = trouble.details
  if (json) {
    terminal.out(
      JSON.stringify({
        error: {
          code,
          message: trouble.message,
          next: next ?? null,
          help: help ?? null,
          ...why(trouble.details.cause),
          retry_at:
            retryAt === undefined || retryAt === null ? null : new Date(retryAt).toISOString(),
          exit_code: exitCode,
        },
      }),
    )
    return
  }
  const lines = [`${terminal.tone('bad', 'latchkey:')} ${trouble.message}`]
  if (next !== undefined) lines.push(`  ${terminal.tone('strong', '→')} ${next}`)
  if (help) lines.push(`  ${terminal.tone('quiet', m.common.help(help))}`)
  process.stderr.write(`${lines.join('\n')}\n`)
}
