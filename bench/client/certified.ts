import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selfSigned } from '../../test/harness/certificate.ts'

/**
 * Runs `file` again with a certificate in KEY and CERT that it trusts, and ends with it; goes on when that
 * is so already. A certificate has to be trusted before a process begins.
 */
export function certified(file: string): void {
  if (process.env.CERT) return
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const [KEY, CERT] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const { key, cert } = selfSigned(['localhost'])
  writeFileSync(KEY, key, { mode: 0o600 })
  writeFileSync(CERT, cert)
  const env = { ...process.env, KEY, CERT, NODE_EXTRA_CA_CERTS: CERT }
  const { status } = spawnSync(process.execPath, [file], { stdio: 'inherit', env })
  rmSync(dir, { recursive: true })
  process.exit(status ?? 1)
}
