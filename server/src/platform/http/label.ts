import { z } from 'zod'

/**
 * Control characters, line ends, marks that turn the direction of text, and invisible ones. A name
 * that holds them reads as something else on a consent page, in a mail or in the audit log.
 * U+200C and U+200D join letters in several scripts and stay allowed.
 */
export const unseen =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u

/** What people call a thing of theirs, in any script: one line, trimmed, not empty. */
export const label = (lengthMax: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(lengthMax)
    .refine((text) => !unseen.test(text))
