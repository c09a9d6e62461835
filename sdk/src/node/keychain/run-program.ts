export type Ran = { code: number | null; stdout: string; stderr: string }

const outputMax = 20_000

/**
 * Runs a program with `input` on its stdin and answers what it said. Rejects when it cannot be
 * started, and after `timeoutMs`: a keychain that waits for somebody to type a password must not
 * hang a program nobody looks at.
 */
export async function runProgram(
  program: string,
  args: string[],
  by: { input?: string; timeoutMs: number },
): Promise<Ran> {
  const { spawn } = await import('node:child_process') // only where there is a keychain to ask
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
    let stdout = ''
    let stderr = ''
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      // What it started may hold our pipes open for longer than it lives itself.
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy()
      child.unref()
      reject(new Error(`${program} gave no answer within ${by.timeoutMs / 1_000} s`))
    }, by.timeoutMs)
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(late)
      const missing = error.code === 'ENOENT'
      reject(new Error(missing ? `${program} is not installed` : `${program}: ${error.code}`))
    })
    child.on('close', (code) => {
      clearTimeout(late)
      resolve({ code, stdout, stderr })
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length < outputMax) stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < outputMax) stderr += text
    })
    child.stdin.on('error', () => {}) // a program that ended without reading says so by its code
    child.stdin.end(by.input ?? '')
  })
}

/** The last line a program complained with: short, and without the secret, which it never gets. */
export const complaint = (program: string, { code, stderr }: Ran): string =>
  `${program}: ${stderr.trim().split('\n').at(-1)?.slice(0, 200) || `exit ${code}`}`
