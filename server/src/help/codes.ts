import { errors } from '../../messages/en/errors.ts'

/** The stable codes whose answers link to this article. */
export const codesOf = (slug: string): string[] =>
  Object.entries(errors)
    .filter(([, text]) => text.help === slug)
    .map(([code]) => code)
