import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey, hello, openai } from '../harness/journey.ts'
import { mailTo, Person, signedUp } from '../harness/person.ts'
import { databases, startServer } from '../harness/server.ts'

for (const database of databases)
  test(`forgot the password: a mailed code, and every other session ends (${database})`, async () => {
    await using server = await startServer({ database })
    const { person, email, password } = await signedUp(server.origin)
    const elsewhere = new Person(server.origin)
    await elsewhere.expect(201, 'POST', '/api/sessions', { email, password })
    const key = await createKey(person)

    const visitor = new Person(server.origin)
    const known = await visitor.post('/api/password/forgot', { email })
    const unknown = await visitor.post('/api/password/forgot', { email: 'nobody@example.com' })
    assert.deepEqual([known.status, known.body], [unknown.status, unknown.body])
    const { code } = await mailTo(server.origin, email, 'reset_password')
    const fresh = 'copper meadow satellite 88'
    await visitor.expect(204, 'POST', '/api/password/reset', { email, code, password: fresh })
    await visitor.expect(400, 'POST', '/api/password/reset', { email, code, password: fresh })

    await person.expect(401, 'GET', '/api/account')
    await elsewhere.expect(401, 'GET', '/api/account')
    await visitor.expect(401, 'GET', '/api/account')
    await visitor.expect(401, 'POST', '/api/sessions', { email, password })
    await visitor.expect(201, 'POST', '/api/sessions', { email, password: fresh })
    await mailTo(server.origin, email, 'password_changed')
    // A key is not a session: the program that uses it goes on.
    await openai(server, key.secret).chat.completions.create(hello)
  })
