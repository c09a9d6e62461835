/**
 * What makes a password acceptable where it is the only factor (NIST SP 800-63B-4 section 3.1.1.2):
 * 15 characters, or fewer when they are hard to guess; never under 8; nothing about character
 * classes. Well-known passwords and plain sequences are refused at any length, from lists inside the
 * package.
 */
export type PasswordRefusal =
  | 'password_too_short'
  | 'password_too_long'
  | 'password_common'
  | 'password_personal'
  | 'password_weak'

export type PasswordJudgement = {
  /** 0 (guessed at once) to 4 (very hard to guess). */
  score: 0 | 1 | 2 | 3 | 4
  reason: PasswordRefusal | null
}

/** What belongs to the person and is therefore guessed first. */
export type PasswordContext = { name?: string; email?: string }

const lengthMin = 8
const lengthMax = 256
const longEnough = 15
const scoreMin = 3
/** A long password may be plain, but not a keyboard row or counting. */
const scoreMinLong = 2
/** The estimator's work grows with length; nothing past this makes a password weaker. */
const estimatedMax = 64
const productNames = ['latchkey']

/**
 * The form that is hashed, at setting and at checking alike: NFKC, so that full-width and half-width
 * typing of one password are equal (SP 800-63B-4 section 3.1.1.2 asks for it).
 */
export const normalizePassword = (password: string): string => password.normalize('NFKC')

type Estimator = { check(password: string, inputs: string[]): { score: 0 | 1 | 2 | 3 | 4 } }
let estimator: Promise<{ estimate: Estimator; common: ReadonlySet<string> }> | undefined

/** About 45 MB of dictionaries: loaded when the first password is judged, once. */
function loadEstimator() {
  estimator ??= (async () => {
    const [{ ZxcvbnFactory }, common, english] = await Promise.all([
      import('@zxcvbn-ts/core'),
      import('@zxcvbn-ts/language-common'),
      import('@zxcvbn-ts/language-en'),
    ])
    const estimate = new ZxcvbnFactory({
      graphs: common.adjacencyGraphs,
      dictionary: { ...common.dictionary, ...english.dictionary },
      translations: english.translations,
    })
    return { estimate, common: new Set(common.dictionary['passwords-common']) }
  })()
  return estimator
}

/** `password` may come as typed. The dictionaries are not touched before the length is right. */
export async function judgePassword(
  password: string,
  context: PasswordContext = {},
): Promise<PasswordJudgement> {
  const normal = normalizePassword(password)
  const length = [...normal].length
  if (length < lengthMin) return { score: 0, reason: 'password_too_short' }
  if (length > lengthMax) return { score: 0, reason: 'password_too_long' }
  const { estimate, common } = await loadEstimator()
  const words = personalWords(context)
  const folded = normal.toLowerCase()
  const { score } = estimate.check(normal.slice(0, estimatedMax), words)
  if (common.has(folded) || isRepetition(folded, common))
    return { score: 0, reason: 'password_common' }
  if (isPersonal(folded, words)) return { score: 0, reason: 'password_personal' }
  if (score < (length < longEnough ? scoreMin : scoreMinLong))
    return { score, reason: 'password_weak' }
  return { score, reason: null }
}

/** One short thing over and over, such as `passwordpassword` or fifteen times `a`. */
function isRepetition(folded: string, common: ReadonlySet<string>): boolean {
  const unit = /^(.+?)\1+$/su.exec(folded)?.[1]
  return unit !== undefined && (unit.length < 6 || common.has(unit))
}

/** What is left without the personal words is not a password of its own. */
function isPersonal(folded: string, words: readonly string[]): boolean {
  let rest = folded
  for (const word of words) if (word.length >= 4) rest = rest.replaceAll(word, '')
  return rest !== folded && [...rest.replaceAll(/[\W\d_]/gu, '')].length < 4
}

function personalWords({ name = '', email = '' }: PasswordContext): string[] {
  const [local = '', host = ''] = email.normalize('NFKC').toLowerCase().split('@')
  const parts = name.normalize('NFKC').toLowerCase()
  const words = [
    parts,
    parts.replaceAll(' ', ''),
    ...parts.split(/\s+/),
    local,
    ...local.split(/[.+_-]/),
    host.split('.')[0] ?? '',
    ...productNames,
  ]
  // Longest first, so that a whole name goes before its parts.
  return [...new Set(words)].filter((word) => word.length >= 3).sort((a, b) => b.length - a.length)
}
