import type { Locale } from './messages.ts'

/** As they are kept: `Chrome on macOS`, after an app's name and a dot where an app signed in by code. */
export const unknownDevice = 'Unknown device'
const kept = /^(?<app>.* · )?(?<program>[^·]+) on (?<system>[^·]+)$/

/**
 * What a device is called in its reader's language. `ofApp`: its name begins with its app's, which is
 * nobody's to translate.
 */
export function deviceText(locale: Locale, name: string, ofApp: boolean): string {
  if (locale === 'en') return name
  if (name === unknownDevice) return '未知设备'
  const { app = '', program, system } = kept.exec(name)?.groups ?? {}
  return program && system && ofApp === (app !== '') ? `${app}${system} 上的 ${program}` : name
}
