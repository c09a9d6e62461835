import { type Context, option } from '../command.ts'
import { wrongUsage } from '../trouble.ts'

/** A number of seconds given as an option: zero and up. */
export function secondsOption(context: Context, name: string, byDefault: number): number {
  const text = option(context, name)
  if (text === undefined) return byDefault
  if (!/^\d{1,6}$/.test(text)) throw wrongUsage(context.m.common.optionValue(`--${name}`))
  return Number(text)
}

/** A port given as `--port`, or null. */
export function portOption(context: Context): number | null {
  const text = option(context, 'port')
  if (text === undefined) return null
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw wrongUsage(context.m.common.optionValue('--port'))
  return port
}
