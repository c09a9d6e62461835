import { exitCodes } from './exit-codes.ts'

export type TroubleDetails = {
  /** For programs; never changes once released. */
  code: string
  exitCode: number
  /** The one thing to do now. */
  next?: string | undefined
  help?: string | null
  retryAt?: number | null
  cause?: unknown
}

/** What a command could not do, told in one sentence with the one next step. Never with a secret. */
export class Trouble extends Error {
  readonly details: TroubleDetails

  constructor(message: string, details: TroubleDetails) {
    super(message, 'cause' in details ? { cause: details.cause } : {})
    this.name = 'Trouble'
    this.details = details
  }
}

export const wrongUsage = (message: string, next?: string): Trouble =>
  new Trouble(message, { code: 'usage', exitCode: exitCodes.usage, next })

/** Why a command was cut short. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(signal)
    this.exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
  }
}
