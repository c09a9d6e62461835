import { memoryStore } from './memory-store.ts'
import { credentialStoreContract } from './store.contract.ts'

const store = memoryStore()
credentialStoreContract('memory', () => store)
