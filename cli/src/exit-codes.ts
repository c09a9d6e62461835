/**
 * What a command's end means. The same for every command and part of the contract with scripts;
 * `exec` hands the code of its child through, and adds the shell's 126 and 127.
 */
export const exitCodes = {
  done: 0,
  /** Something unexpected, or a check that found something wrong. */
  failed: 1,
  usage: 2,
  /** Nobody is signed in (any more). For `migrate --status`: something is pending. */
  signInRequired: 3,
  /** The network or the provider is away; the same command may work later. */
  unavailable: 4,
  /** Refused by the provider or by a person, or not finished in time; repeating does not help. */
  refused: 5,
  /** The credentials on this machine cannot be read or written. */
  store: 6,
  notExecutable: 126,
  notFound: 127,
  interrupted: 130,
  terminated: 143,
} as const
