import type { MailKind, MailValues } from '../../src/mail/message.ts'
import { placeName } from '../places.ts'

/** One mail: the subject, its paragraphs, and what the button says where there is a link. */
export type MailText = { subject: string; paragraphs: string[]; button?: string }

export type MailTexts = { [K in MailKind]: (values: MailValues[K]) => MailText }

const time = (at: number) =>
  `${new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(at)} UTC`

const notYou = 'If this wasn’t you, reset your password now; that signs out every device.'

const decisions = {
  warn: { subject: 'A warning about your account', what: 'Your account has received a warning.' },
  limit: { subject: 'Your account has been limited', what: 'Your account has been limited.' },
  suspend: {
    subject: 'Your account has been suspended',
    what: 'Your account has been suspended. Its keys and tokens no longer work. You can still sign in, see your usage and export your data.',
  },
  close: { subject: 'Your account has been closed', what: 'Your account has been closed.' },
} as const

const outcomes = {
  upheld: 'The decision stays as it was.',
  reduced: 'The decision has been made milder.',
  reversed: 'The decision has been reversed, and what it took away is restored.',
} as const

export const mail: MailTexts = {
  verify_email: () => ({
    subject: 'Your verification code',
    paragraphs: [
      'Enter this code to confirm your e-mail address. It works for 10 minutes and replaces any code we sent before.',
      'If you did not sign up, ignore this mail; without the code nothing happens.',
    ],
    button: 'Enter the code',
  }),
  already_registered: () => ({
    subject: 'You already have an account',
    paragraphs: [
      'Somebody, probably you, tried to sign up with this address. It already has an account, so nothing was changed.',
      'Sign in as usual. If you have forgotten your password, reset it from the sign-in page.',
    ],
    button: 'Go to sign-in',
  }),
  reset_password: () => ({
    subject: 'Your code for a new password',
    paragraphs: [
      'Enter this code to choose a new password. It works for 10 minutes and replaces any code we sent before.',
      'If you did not ask for it, ignore this mail; your password stays as it is.',
    ],
    button: 'Choose a new password',
  }),
  reset_unknown: () => ({
    subject: 'No account with this address',
    paragraphs: [
      'Somebody, probably you, asked for a new password, but there is no account with this address.',
      'You may have signed up with another address. Otherwise ignore this mail.',
    ],
    button: 'Sign up',
  }),
  password_changed: ({ at }) => ({
    subject: 'Your password was changed',
    paragraphs: [
      `The password of your account was changed on ${time(at)}. Other devices were signed out.`,
      notYou,
    ],
    button: 'Reset my password',
  }),
  account_closed: ({ at }) => ({
    subject: 'Your account is closed',
    paragraphs: [
      `Your account was closed on ${time(at)}, as you asked. Its keys, tokens and sessions no longer work.`,
      'Thank you for having been here.',
    ],
  }),
  sign_in_paused: ({ at }) => ({
    subject: 'Many wrong passwords for your account',
    paragraphs: [
      `Up to ${time(at)}, somebody tried a hundred wrong passwords in a row for your account. Nobody got in. Signing in on new devices is paused.`,
      'Devices where you were signed in before still sign in as usual, and that ends the pause. To sign in on a new device now, choose a new password by mail.',
      'If your password is one you use elsewhere, too, choose a new one in any case.',
    ],
    button: 'Choose a new password',
  }),
  signed_out_by_operator: ({ at }) => ({
    subject: 'You were signed out everywhere',
    paragraphs: [
      `On ${time(at)}, an operator ended every sign-in, connected app and token of your account, to keep it safe. Your API keys go on working.`,
      'Sign in again, and connect your apps anew. If you think that somebody else was in your account, choose a new password as well.',
    ],
    button: 'Sign in',
  }),
  new_device: ({ device, address, place, at }) => ({
    subject: 'New sign-in to your account',
    paragraphs: [
      `Your account was signed in to from a new device: ${device}, network address ${address} (${placeName('en', place)}), on ${time(at)}.`,
      'If this was you, there is nothing to do. If it wasn’t, open the page below: its button signs that device out and has you choose a new password. It works for seven days.',
    ],
    button: 'This wasn’t me',
  }),
  new_app_device: ({ device, address, place, at }) => ({
    subject: 'A device was connected to your account',
    paragraphs: [
      `A device was connected to your account by its code: ${device}, network address ${address} (${placeName('en', place)}), on ${time(at)}.`,
      'If it is yours, there is nothing to do. If somebody else gave you the code, or you entered none, open the page below: its button cuts that device off and has you choose a new password. It works for seven days.',
    ],
    button: 'This wasn’t me',
  }),
  decision: ({ decision, reason, text }) => ({
    subject: decisions[decision].subject,
    paragraphs: [
      decisions[decision].what,
      `Reason: ${reason}`,
      text,
      'You can read the case and send an appeal after signing in.',
    ],
    button: 'Read the case',
  }),
  appeal_received: ({ firstLookDueAt }) => ({
    subject: 'We have your appeal',
    paragraphs: [
      `Your appeal has arrived. Somebody will look at it by ${time(firstLookDueAt)}.`,
      'You need not do anything until then.',
    ],
    button: 'See your appeal',
  }),
  appeal_decided: ({ outcome, text }) => ({
    subject: 'Your appeal has been decided',
    paragraphs: [outcomes[outcome], text],
    button: 'Read the outcome',
  }),
  refresh_token_reused: ({ client, at }) => ({
    subject: 'An app was signed out for safety',
    paragraphs: [
      `A used-up token of the app “${client}” was presented again on ${time(at)}. This can mean that somebody copied it, so we ended that app’s access.`,
      'Connect the app again if you use it. If you do not know it, change your password.',
    ],
    button: 'See connected apps',
  }),
}

export const mailFooter = 'You receive this mail because your address was used at {origin}.'
export const codeLabel = 'Your code'
