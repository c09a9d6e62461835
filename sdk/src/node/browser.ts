import { spawn } from 'node:child_process'
import { platform } from 'node:os'

/** Whether a browser on this machine can be expected to show up before the person. */
export function hasBrowser(env: NodeJS.ProcessEnv = process.env, system = platform()): boolean {
  if (env.SSH_CONNECTION || env.SSH_TTY || env.CI) return false
  if (system === 'darwin' || system === 'win32') return true
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
}

/**
 * The program and arguments that open `url`, or null for anything but http and https: a provider
 * must not make us start other programs (CVE-2025-6514). Never through a shell, so nothing in the
 * address is interpreted.
 */
export function browserCommand(
  url: string,
  system: NodeJS.Platform = platform(),
): { program: string; args: string[] } | null {
  if (!URL.canParse(url)) return null
  const { protocol, href } = new URL(url) // href is percent-encoded: no quotes, no spaces
  if (protocol !== 'https:' && protocol !== 'http:') return null
  switch (system) {
    case 'darwin':
      return { program: 'open', args: [href] }
    case 'win32':
      return { program: 'rundll32', args: ['url.dll,FileProtocolHandler', href] }
    default:
      return { program: 'xdg-open', args: [href] }
  }
}

/** Opens the page if it can; the printed link is the fallback, so failures are silent. */
export function openBrowser(url: string): void {
  const command = browserCommand(url)
  if (command === null) return
  const child = spawn(command.program, command.args, { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
