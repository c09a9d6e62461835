import Bowser from 'bowser'

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
  return program || system || 'Unknown device'
}
