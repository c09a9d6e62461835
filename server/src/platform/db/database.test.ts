import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { databases, scratchPostgres } from '../../../../test/harness/server.ts'
import type { Database, DatabaseKind } from './database.ts'
import { openDatabase } from './open.ts'

async function scratch(kind: DatabaseKind, use: (database: Database) => Promise<void>) {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-db-'))
  const server = kind === 'postgres' ? await scratchPostgres() : null
  const database = openDatabase({ url: server?.url ?? null, dataDir })
  try {
    await database.statement('create table counts (name text primary key, n bigint not null)')([])
    await database.statement('insert into counts (name, n) values (?, ?)')(['a', 0])
    await use(database)
  } finally {
    await database.close()
    await server?.drop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

for (const kind of databases) {
  test(`a statement sees nothing of a transaction that is not committed (${kind})`, () =>
    scratch(kind, async (database) => {
      const add = database.statement('update counts set n = n + ? where name = ?')
      const read = database.statement<{ n: number }>('select n from counts where name = ?')
      const written = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      const refused = database.transaction(async () => {
        await add([5, 'a'])
        assert.equal((await read(['a'])).rows[0]?.n, 5, 'its own writes it does see')
        written.resolve()
        await goOn.promise
        throw new Error('rolled back')
      })
      await written.promise
      const outside = read(['a'])
      goOn.resolve()
      await assert.rejects(refused, /rolled back/)
      assert.equal((await outside).rows[0]?.n, 0)
    }))

  test(`a statement that comes during a transaction is not part of it (${kind})`, () =>
    scratch(kind, async (database) => {
      const add = database.statement('update counts set n = n + ? where name = ?')
      const read = database.statement<{ n: number }>('select n from counts where name = ?')
      const begun = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      const refused = database.transaction(async () => {
        await read(['a'])
        begun.resolve()
        await goOn.promise
        throw new Error('rolled back')
      })
      await begun.promise
      const adding = add([1, 'a'])
      goOn.resolve()
      await assert.rejects(refused)
      assert.equal((await adding).changes, 1)
      assert.equal((await read(['a'])).rows[0]?.n, 1)
    }))

  test(`what a transaction left running behind it writes nothing (${kind})`, () =>
    scratch(kind, async (database) => {
      const add = database.statement('update counts set n = n + ? where name = ?')
      const over = Promise.withResolvers<void>()
      let late: Promise<unknown> = Promise.resolve()
      await database.transaction(async () => {
        late = over.promise.then(() => add([1, 'a']))
        await add([1, 'a'])
      })
      over.resolve()
      await assert.rejects(late)
      const read = database.statement<{ n: number }>('select n from counts where name = ?')
      assert.equal((await read(['a'])).rows[0]?.n, 1)
    }))
}
