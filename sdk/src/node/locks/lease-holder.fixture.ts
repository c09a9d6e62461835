import { binding, credential } from '../../credentials/store.contract.ts'
import { fileStore } from '../file-store.ts'

/** Takes the turn, says so, and saves revision 2 when it is told to on stdin. */
const [dir = '', leaseMs] = process.argv.slice(2)
let told = 'does not know'
const lost = () => {
  told = 'knows'
}
const store = fileStore({ dir, lock: { kind: 'lease', leaseMs: Number(leaseMs), lost } })
await store.exclusive(binding(), async () => {
  console.log('mine')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  const saved = await store.save(binding(), credential('alice', 2), 1)
  console.log(saved === null ? 'refused' : 'saved')
})
console.log(told)
process.exit(0)
