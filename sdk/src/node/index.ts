/**
 * `@latchkey/sdk/node`: what needs a machine below it. Files that several processes share safely,
 * and sign-in through the browser of whoever sits at this terminal.
 */
export { keySealer, type Sealer } from '../credentials/sealing.ts'
export { type FileStoreOptions, fileStore } from './file-store.ts'
export { localKey, stateDirectory } from './private-files.ts'
