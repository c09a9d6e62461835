import Bowser from 'bowser'
import { unknownDevice } from '../../messages/devices.ts'

/**
 * What people call the device: `Chrome on macOS`. From the User-Agent alone, so a claim and not a
 * fact; plain letters only, because it appears in pages and mail.
 */
export function deviceName(userAgent: string): string {
  const { browser, os } = Bowser.parse(userAgent === '' ? ' ' : userAgent.slice(0, 500))
  const clean = (text: string | undefined) => (text ?? '').replaceAll(/[^\w .+-]/g, '').slice(0, 40)
  const program = clean(browser.name)
  const system = clean(os.name)
  if (program && system) return `${program} on ${system}`
  return program || system || unknownDevice
}

/**
 * What people call a device that is an app: the app's name, and what the device says it is, where it
 * says anything (`Living-room box · node`). Programs name themselves in the first word.
 */
export function appDeviceName(clientName: string, userAgent: string): string {
  const known = userAgent === '' ? unknownDevice : deviceName(userAgent)
  const word = /^[\w.+-]{1,30}(?:\/[\w.+-]{1,20})?/.exec(userAgent)?.[0]
  const said = known === unknownDevice ? word : known
  return said === undefined ? clientName : `${clientName} · ${said}`
}
