import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { mailTo, Person, signedUp } from '../../../test/harness/person.ts'
import { databases, startServer, type TestServer } from '../../../test/harness/server.ts'

/** Every row of every table, as text. */
async function dump({ platform }: TestServer): Promise<string> {
  const { query } = platform.database.tables<Record<string, Record<string, unknown>>>()
  const tables =
    platform.database.kind === 'sqlite'
      ? sql<{ name: string }>`select name from sqlite_master where type = 'table'`
      : sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public'`
  let text = ''
  for (const { name } of (await tables.execute(query)).rows)
    text += JSON.stringify(await query.selectFrom(name).selectAll().execute())
  return text
}

for (const database of databases) {
  test(`${database}: neither the database nor the log holds a password, code, cookie or token`, async () => {
    await using server = await startServer({ database })
    const password = 'canary harbour lantern 42'
    const { person, email } = await signedUp(server.origin, { password })
    const verify = await mailTo(server.origin, email, 'verify_email')
    const wrong = 'canary wrong guess 4711'
    await new Person(server.origin).expect(401, 'POST', '/api/sessions', { email, password: wrong })
    await person.expect(202, 'POST', '/api/password/forgot', { email })
    const reset = await mailTo(server.origin, email, 'reset_password')
    await person.expect(400, 'POST', '/api/password/reset', { email, code: 'x', password: wrong })
    const secrets = [
      password,
      wrong,
      verify.code,
      reset.code,
      person.cookies.get('lk_session'),
      person.cookies.get('lk_device'),
      server.welcome.operatorLink?.split('#')[1],
    ]
    // A code is short: only as a whole word, so that no id or instant contains it by chance.
    const holds = (text: string, secret: string) =>
      new RegExp(`(?<![\\w-])${RegExp.escape(secret)}(?![\\w-])`).test(text)
    const stored = await dump(server)
    assert.ok(stored.includes(email))
    const logged = server.logLines.join('\n')
    for (const secret of secrets) {
      assert.ok(secret)
      assert.ok(!holds(stored, secret), 'a secret is in the database')
      assert.ok(!holds(logged, secret), 'a secret is in the log')
    }
  })
}
