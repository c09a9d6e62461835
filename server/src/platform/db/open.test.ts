import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUnavailable } from '#platform/http/app.ts'
import { gateTo } from '../../../../test/harness/gate.ts'
import { openDatabase } from './open.ts'

const { LATCHKEY_TEST_POSTGRES_URL: postgres } = process.env
const skip = postgres ? false : 'needs LATCHKEY_TEST_POSTGRES_URL'

/** How each of several queries under way at once ended. */
const outcomes = async (queries: Promise<unknown>[]) =>
  (await Promise.allSettled(queries)).map((query) =>
    query.status === 'fulfilled' ? 'done' : isUnavailable(query.reason) ? 'away' : query.reason,
  )

test('a connection that is cut under a query fails that query and nothing else', {
  skip,
}, async () => {
  await using gate = await gateTo(postgres ?? '')
  const database = openDatabase({ url: gate.url, dataDir: '' })
  const sleeps = database.statement('select pg_sleep(30)')
  const asked = [sleeps([]), database.transaction(() => sleeps([]))]
  await database.ping()
  await gate.shut()
  assert.deepEqual(await outcomes(asked), ['away', 'away'])
  assert.deepEqual(await outcomes([database.ping()]), ['away'])
  await gate.open()
  await database.ping()
  await database.close()
})

test('a PostgreSQL that says nothing any more is away, and does not keep us from ending', {
  skip,
}, async () => {
  await using gate = await gateTo(postgres ?? '')
  const database = openDatabase({ url: gate.url, dataDir: '', silentMs: 300 })
  const brief = database.statement('select pg_sleep(0.05)')
  await Promise.all([brief([]), brief([])]) // two connections
  gate.silence()
  const asked = [database.ping(), database.transaction(() => database.lock('x'))]
  assert.deepEqual(await outcomes(asked), ['away', 'away'])
  await gate.open()
  await database.ping()
  const begun = Promise.withResolvers<void>()
  const late = database.transaction(async () => {
    gate.silence()
    begun.resolve()
    await database.lock('y')
  })
  await begun.promise
  await Promise.all([outcomes([late]), database.close()])
})
