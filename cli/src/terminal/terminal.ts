import { stripVTControlCharacters, styleText } from 'node:util'

export type Tone = 'good' | 'bad' | 'warn' | 'quiet' | 'strong'

/**
 * What people see. Results go to stdout, everything said on the way to stderr, so that a script can
 * take the one and drop the other.
 */
export type Terminal = {
  /** One line (or several) of result. */
  out(text: string): void
  /** One line said on the way. */
  say(text: string): void
  /** The text in its tone, where the stream shows colours and NO_COLOR is not set. */
  tone(tone: Tone, text: string, stream?: 'out' | 'err'): string
  /** Says what is being waited for, until `done`. */
  waiting(text: string): { done(): void }
  /** Whether a person can watch stderr. */
  watched: boolean
}

const formats = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  quiet: 'dim',
  strong: 'bold',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const patienceMs = 400 // what is done sooner is not worth a line

export function openTerminal(options: {
  environment: NodeJS.ProcessEnv
  quiet: boolean
}): Terminal {
  const { environment, quiet } = options
  const { stdout, stderr } = process
  const watched = stderr.isTTY === true && environment.TERM !== 'dumb'
  const colours = {
    out: stdout.isTTY === true && showsColours(environment),
    err: stderr.isTTY === true && showsColours(environment),
  }
  let clear = () => {}
  return {
    watched,
    out(text) {
      clear()
      stdout.write(`${text}\n`)
    },
    say(text) {
      if (quiet) return
      clear()
      stderr.write(`${text}\n`)
    },
    tone: (tone, text, stream = 'err') =>
      colours[stream] ? styleText(formats[tone], text, { validateStream: false }) : text,
    waiting(text) {
      if (quiet) return { done: () => {} }
      const shown = oneLine(text)
      if (!watched) {
        const late = setTimeout(() => stderr.write(`${shown}\n`), patienceMs)
        late.unref()
        return { done: () => clearTimeout(late) }
      }
      let ticks = 0
      const begun = performance.now()
      clear = () => {
        if (ticks > 0) stderr.write('\r\x1b[K')
      }
      const timer = setInterval(() => {
        const elapsed = Math.floor((performance.now() - begun) / 1_000)
        if (performance.now() - begun < patienceMs) return
        const width = Math.max(20, (stderr.columns || 80) - 12)
        stderr.write(
          `\r\x1b[K${frames[ticks++ % frames.length]} ${shown.slice(0, width)} (${elapsed} s)`,
        )
      }, 100)
      timer.unref()
      return {
        done() {
          clearInterval(timer)
          clear()
          clear = () => {}
        },
      }
    },
  }
}

/** https://no-color.org: any value but an empty one. */
const showsColours = (environment: NodeJS.ProcessEnv): boolean =>
  !environment.NO_COLOR && environment.TERM !== 'dumb'

/**
 * Text that came from elsewhere, fit for a terminal: no control characters that could move the
 * cursor or rewrite what is on the screen.
 */
export const plain = (text: string): string =>
  stripVTControlCharacters(text).replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '')

const oneLine = (text: string): string => plain(text.replaceAll('\n', ' '))
