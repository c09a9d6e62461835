/**
 * `@latchkey/sdk/node`: what needs a machine below it. Files that several processes share safely,
 * and sign-in through the browser of whoever sits at this terminal.
 */
export { hasBrowser, openBrowser } from './browser.ts'
export { type FileStoreOptions, fileStore } from './file-store.ts'
export {
  type KeepAliveFetch,
  type KeepAliveOptions,
  keepAliveDispatcher,
  keepAliveFetch,
} from './keep-alive.ts'
export type { Entry, Keychain } from './keychain/keychain.ts'
export { type KeychainOptions, keychainSealer } from './keychain/keychain-sealer.ts'
export { type LockOptions, withFileLock } from './locks/lock.ts'
export {
  type LoopbackOptions,
  signInAtTerminal,
  signInByLoopback,
  type TerminalOptions,
} from './loopback.ts'
export {
  ensurePrivateDirectory,
  localKey,
  type PrivateRead,
  readPrivate,
  stateDirectory,
  writePrivate,
} from './private-files.ts'
export { type InterceptorOptions, undiciInterceptor } from './undici-interceptor.ts'
