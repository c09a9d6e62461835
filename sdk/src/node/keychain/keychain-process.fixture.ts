import { binding, credential } from '../../credentials/store.contract.ts'
import { fileStore } from '../file-store.ts'
import { keychainSealer } from './keychain-sealer.ts'

/** One process of a desktop session: saves a credential under the system's keychain, or loads it. */
const [verb, dir = '', timeout] = process.argv.slice(2)
console.warn = console.log
const sealer = keychainSealer({ app: 'latchkey-test', dir, timeoutMs: Number(timeout) })
const store = fileStore({ dir, sealer })
if (verb === 'save') {
  await store.save(binding(), credential(), null)
  console.log('saved')
} else {
  const stored = await store.load(binding())
  const told =
    stored.state === 'present' ? stored.credential.tokens.refreshToken?.reveal() : stored.state
  console.log(`loaded ${told}`)
}
