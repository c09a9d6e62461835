import type { Messages } from '../../messages/messages.tsx'

/** Catches slips of typing only; whether an address works is shown by the code that is mailed to it. */
export const mailShape = (m: Messages) => ({
  value: /^\s*[^\s@]+@[^\s@]+\s*$/,
  message: m.checks.email,
})
