import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { withFileLock } from '../../../sdk/src/node/locks/lock.ts'
import {
  ensurePrivateDirectory,
  readPrivate,
  writePrivate,
} from '../../../sdk/src/node/private-files.ts'

/** One account as the command line knows it. Its tokens are in the credential store, not here. */
export type AccountEntry = {
  issuer: string
  clientId: string
  /** Somebody who signed in, or the app itself by client credentials. */
  kind: 'person' | 'app'
  /** The client registered itself for this command line. */
  selfRegistered: boolean
  /** The secret of a confidential client: sealed here, or in the environment at each use. */
  secret: { from: 'environment' } | { sealed: string } | null
  /** Asked for at sign-in. */
  scopes: readonly string[]
  /** The API for `exec`; null: none is known. */
  baseUrl: string | null
  /** Where help articles are; null for providers that have none of ours. */
  helpBase: string | null
  subject: string | null
  email: string | null
  name: string | null
  signedInAt: number
}

/** How this command line is known to one provider. */
export type RegistrationEntry = {
  clientId: string
  host: '127.0.0.1' | 'localhost'
  grantTypes: readonly string[] | null
  scope: string | null
  registeredAt: number
  manage: { url: string; sealedToken: string } | null
}

export type Book = {
  current: string | null
  accounts: Record<string, AccountEntry>
  /** By issuer. */
  registrations: Record<string, RegistrationEntry>
}

/**
 * Which accounts there are and which is the current one: a private file beside the credentials.
 * `change` is exclusive among all processes and replaces the file as a whole; readers see the old
 * text or the new one. A file that cannot be understood reads as `null`, and the next change puts
 * it aside rather than destroying it.
 */
export type AccountBook = {
  read(): Promise<Book | null>
  change(edit: (book: Book) => void): Promise<Book>
}

export function openBook(dir: string): AccountBook {
  const path = join(dir, 'accounts.json')
  const read = async () => {
    const found = await readPrivate(path)
    if (found.state === 'absent') return emptyBook()
    return found.state === 'present' ? parseBook(found.text) : null
  }
  return {
    read,
    async change(edit) {
      await ensurePrivateDirectory(dir)
      return withFileLock(join(dir, 'accounts.lock'), async () => {
        const before = await read()
        if (before === null) await rename(path, `${path}.damaged`)
        const book = before ?? emptyBook()
        edit(book)
        await writePrivate(path, `${JSON.stringify({ v: 1, ...book }, null, 2)}\n`)
        return book
      })
    },
  }
}

const emptyBook = (): Book => ({ current: null, accounts: {}, registrations: {} })

function parseBook(text: string): Book | null {
  try {
    const value: unknown = JSON.parse(text)
    if (!isRecord(value) || value.v !== 1) return null
    const { current, accounts, registrations } = value
    if (!isRecord(accounts) || !isRecord(registrations)) return null
    if (!Object.values(accounts).every(isAccount)) return null
    if (!Object.values(registrations).every(isRegistration)) return null
    return {
      current: typeof current === 'string' && Object.hasOwn(accounts, current) ? current : null,
      // Checked above, member by member.
      accounts: accounts as Book['accounts'],
      registrations: registrations as Book['registrations'],
    }
  } catch {
    return null
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isTextOrNull = (value: unknown) => value === null || isText(value)
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText)

const isAccount = (value: unknown): boolean =>
  isRecord(value) &&
  isText(value.issuer) &&
  URL.canParse(value.issuer) &&
  isText(value.clientId) &&
  (value.kind === 'person' || value.kind === 'app') &&
  typeof value.selfRegistered === 'boolean' &&
  isTexts(value.scopes) &&
  (value.secret === null ||
    (isRecord(value.secret) &&
      (value.secret.from === 'environment' || isText(value.secret.sealed)))) &&
  [value.baseUrl, value.helpBase, value.subject, value.email, value.name].every(isTextOrNull) &&
  typeof value.signedInAt === 'number'

const isRegistration = (value: unknown): boolean =>
  isRecord(value) &&
  isText(value.clientId) &&
  (value.host === '127.0.0.1' || value.host === 'localhost') &&
  (value.grantTypes === null || isTexts(value.grantTypes)) &&
  isTextOrNull(value.scope) &&
  typeof value.registeredAt === 'number' &&
  (value.manage === null ||
    (isRecord(value.manage) && isText(value.manage.url) && isText(value.manage.sealedToken)))
