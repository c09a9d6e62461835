import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openKeep } from '../accounts/keep.ts'
import { type CommandRun, type Context, option, print } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { installation } from '../installation/index.ts'
import { wrongUsage } from '../trouble.ts'
import { examineClient } from './client.ts'
import type { Finding } from './finding.ts'

/**
 * `latchkey doctor`: looks at everything a sign-in hangs on and says the one thing to do next.
 * Changes nothing. In the server's folder it looks at the installation, too.
 */
export const doctor: CommandRun = async (context) => {
  const { values, m } = context
  if (values.client === true && values.server === true)
    throw wrongUsage(m.common.notTogether('--client', '--server'))
  if (values.server === true && installation === null)
    throw wrongUsage(m.common.serverCommand('doctor --server'), m.common.serverCommandNext)
  const waiting = context.terminal.waiting(m.doctor.looking)
  const findings = await examine(context).finally(() => waiting.done())
  const first = findings.find(({ result, next }) => result === 'fail' && next !== null)
  const next = (first ?? findings.find(({ result, next }) => result === 'warn' && next !== null))
    ?.next
  print(
    context,
    findings,
    [...lines(findings, context), ...(next ? ['', arrow(next, context)] : [])].join('\n'),
  )
  return findings.some(({ result }) => result === 'fail') ? exitCodes.failed : exitCodes.done
}

async function examine(context: Context): Promise<Finding[]> {
  const here = installation !== null && context.values.client !== true
  return [
    ...(wantsClient(context) ? await examineClient(openKeep(context), context) : []),
    ...(here ? await installationFindings(context) : []),
  ]
}

/** Where nobody signs in, as on a server, there is nothing to say about it. */
function wantsClient(context: Context): boolean {
  const { values } = context
  if (values.server === true) return false
  if (values.client === true || installation === null) return true
  if (option(context, 'issuer') ?? option(context, 'account') ?? option(context, 'profile'))
    return true
  return existsSync(join(openKeep(context).dir, 'accounts.json'))
}

async function installationFindings({ environment }: Context): Promise<Finding[]> {
  const found = (await installation?.examine(environment)) ?? []
  return found.map((one) => ({ ...one, side: 'server', next: null }))
}

const tones = { ok: 'good', warn: 'warn', fail: 'bad' } as const

function lines(findings: readonly Finding[], { terminal }: Context): string[] {
  return findings.map(
    ({ part, result, what }) =>
      `${terminal.tone(tones[result], result.padEnd(5), 'out')}${part}: ${what}`,
  )
}

const arrow = (next: string, { terminal }: Context) =>
  `${terminal.tone('strong', '→', 'out')} ${next}`
