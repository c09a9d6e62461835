/** IndexedDB with promises, as far as one store needs it. */
export type Database = {
  get<T>(table: Table, key: string): Promise<T | undefined>
  all<T>(table: Table): Promise<T[]>
  put(table: Table, key: string, value: unknown): Promise<void>
  remove(table: Table, key: string): Promise<void>
  /**
   * Replaces what is under `key` in one transaction, durably, by what `change` makes of it. Answers
   * false, and changes nothing, when `change` answers null. `change` must not wait for anything: the
   * transaction would be over by then.
   */
  update<T>(
    table: Table,
    key: string,
    change: (found: T | undefined) => { put: T } | 'remove' | null,
  ): Promise<boolean>
}

export type Table = 'credentials' | 'keys'

const tables: Table[] = ['credentials', 'keys']

/** Opens the database when first used, and again after the browser has closed it. */
export function openDatabase(name: string): Database {
  let opened: Promise<IDBDatabase> | null = null
  const open = () => {
    if (opened === null) {
      const asked = connect(name, () => {
        opened = null
      })
      opened = asked
      asked.catch(() => {
        opened = null
      })
    }
    return opened
  }
  const within = async <T>(
    table: Table,
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    // Strict: saved means saved, also when the power goes a moment later.
    const transaction = (await open()).transaction(table, mode, { durability: 'strict' })
    const request = work(transaction.objectStore(table))
    await completed(transaction)
    return request.result
  }
  return {
    get: (table, key) => within(table, 'readonly', (store) => store.get(key)),
    all: (table) => within(table, 'readonly', (store) => store.getAll()),
    put: async (table, key, value) =>
      void (await within(table, 'readwrite', (store) => store.put(value, key))),
    remove: async (table, key) =>
      void (await within(table, 'readwrite', (store) => store.delete(key))),
    async update<T>(
      table: Table,
      key: string,
      change: (found: T | undefined) => { put: T } | 'remove' | null,
    ) {
      let done = false
      await within(table, 'readwrite', (store) => {
        const asked = store.get(key)
        asked.onsuccess = () => {
          const next = change(asked.result)
          done = next !== null
          if (next === 'remove') store.delete(key)
          else if (next !== null) store.put(next.put, key)
        }
        return asked
      })
      return done
    },
  }
}

function connect(name: string, lost: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      for (const table of tables) request.result.createObjectStore(table)
    }
    request.onsuccess = () => {
      const database = request.result
      database.onclose = lost
      database.onversionchange = () => {
        database.close() // somebody deletes it: stay out of the way
        lost()
      }
      resolve(database)
    }
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new Error('another tab keeps the database from opening'))
  })
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () =>
      reject(transaction.error ?? new Error('the transaction was aborted'))
  })
}
