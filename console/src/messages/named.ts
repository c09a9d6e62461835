/**
 * The words for a value that came from the server, or the value itself where this build does not
 * know it yet: a newer server must not blank an older page.
 */
export const named = (names: Readonly<Record<string, string>>, value: string): string =>
  names[value] ?? value
