import { createAuth, discover, SignInRequired } from '../index.ts'
import { fileStore } from './index.ts'

/**
 * One of several processes that share a file store and want a fresh token all the time, until they
 * are killed. Ends with 3 when it would have to ask a person to sign in.
 */
const [issuer = '', dir = '', kind] = process.argv.slice(2)
const auth = createAuth({
  provider: discover(issuer),
  clientId: 'app',
  store: fileStore({ dir, lock: kind === 'lease' ? { kind, leaseMs: 300 } : {} }),
  processName: String(process.pid),
  fetch: (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('x-pid', String(process.pid))
    return fetch(input, { ...init, headers })
  },
})
const account = auth.account()
for (;;) {
  try {
    await account.token()
  } catch (error) {
    if (error instanceof SignInRequired) {
      console.error(error.reason)
      process.exit(3)
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 3)) // leaves the processor to the others
}
