import { createReadStream } from 'node:fs'
import { type CommandRun, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { plain } from '../terminal/terminal.ts'
import { wrongUsage } from '../trouble.ts'
import { codeOf, filesBelow, type Listed, trackedFiles } from './files.ts'
import { type Sighting, sightingMax, sightings } from './key-text.ts'

type Found = { path: string; line: number; kind: Sighting['kind']; hint: string }

/**
 * `latchkey scan`: finds keys of ours that lie in files or come by stdin, and shows where, never the
 * keys. Asks nobody. Exit code 1 when something was found.
 */
export const scan: CommandRun = async (context) => {
  const { positionals, values, m, terminal, signal } = context
  const paths = positionals.length > 0 ? positionals : ['.']
  if (paths.includes('-') && (paths.length > 1 || values.tracked === true))
    throw wrongUsage(m.scan.stdinAlone)
  const found: Found[] = []
  const unreadable: string[] = []
  let files = 0
  const look = async (path: string, source: AsyncIterable<Buffer>) => {
    files++
    for await (const one of sightingsIn(source)) found.push({ path, ...one })
  }
  const waiting = terminal.waiting(m.scan.looking)
  try {
    if (paths[0] === '-') await look('-', process.stdin)
    else
      for (const path of paths) {
        for await (const listed of listing(path, values, m.scan.notGit)) {
          signal.throwIfAborted()
          if ('trouble' in listed) unreadable.push(`${listed.path} (${listed.trouble})`)
          else
            await look(
              listed.path,
              createReadStream(listed.path, { highWaterMark: 1 << 20 }),
            ).catch((error: unknown) => unreadable.push(`${listed.path} (${codeOf(error)})`))
        }
      }
  } finally {
    waiting.done()
  }
  for (const path of unreadable) terminal.say(terminal.tone('warn', m.scan.unreadable(plain(path))))
  const lines = found.map(
    ({ path, line, kind, hint }) =>
      `${plain(path)}:${line}: ${terminal.tone('bad', hint, 'out')} ${m.scan.kinds[kind]}`,
  )
  print(
    context,
    { found, files, unreadable },
    found.length === 0 ? m.scan.nothing(files) : [...lines, '', m.scan.next].join('\n'),
  )
  return found.length === 0 ? exitCodes.done : exitCodes.failed
}

async function* listing(
  path: string,
  values: Record<string, unknown>,
  notGit: string,
): AsyncGenerator<Listed> {
  if (values.tracked !== true) return yield* filesBelow(path, values.all === true)
  try {
    yield* trackedFiles(path)
  } catch {
    throw wrongUsage(notGit)
  }
}

/** Secrets and their lines in a stream of any size, also where a chunk ends in the middle of one. */
export async function* sightingsIn(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Omit<Found, 'path'>> {
  let carried = ''
  let line = 1
  for await (const chunk of source) {
    // Keys are ASCII: bytes as they are show them in any encoding, and in UTF-16 without its zeros.
    const text = carried + chunk.toString('latin1').replaceAll('\0', '')
    // What begins in the tail may go on in the next chunk: it is looked at then.
    const safe = Math.max(0, text.length - sightingMax)
    yield* judged(text, safe)
    for (let at = text.indexOf('\n'); at >= 0 && at < safe; at = text.indexOf('\n', at + 1)) line++
    carried = text.slice(safe)
  }
  yield* judged(carried, carried.length)

  function* judged(text: string, before: number) {
    let at = -1
    let lines = line
    for (const { offset, kind, hint } of sightings(text)) {
      if (offset >= before) return
      for (let next = text.indexOf('\n', at + 1); next >= 0 && next < offset; ) {
        lines++
        at = next
        next = text.indexOf('\n', at + 1)
      }
      yield { line: lines, kind, hint }
    }
  }
}
