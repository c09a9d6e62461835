import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Person } from '../../../../test/harness/person.ts'
import { startServer } from '../../../../test/harness/server.ts'

type Refused = { errors: { field: string; code: string; message: string }[] }

test('a refused body names each field, with a code and a sentence in the reader’s language', async () => {
  await using server = await startServer()
  const person = new Person(server.origin)
  const sendTo = async (path: string, body: object, language = 'en') => {
    const answer = await person.request<Refused>('POST', path, {
      body,
      headers: { 'accept-language': language },
    })
    assert.equal(answer.status, 400)
    return answer.body.errors
  }
  const codes = (errors: Refused['errors']) =>
    Object.fromEntries(errors.map(({ field, code }) => [field, code]))

  assert.deepEqual(
    codes(
      await sendTo('/api/accounts', {
        email: 7,
        password: 'x'.repeat(2_000),
        locale: 'tlh',
        role: 'operator',
      }),
    ),
    {
      name: 'required',
      email: 'wrong_type',
      password: 'too_long',
      locale: 'not_allowed',
      role: 'unknown_field',
    },
  )
  const [required] = await sendTo('/api/password/forgot', {})
  assert.deepEqual(required, {
    field: 'email',
    code: 'required',
    message: 'This field is required.',
  })
  const [chinese] = await sendTo('/api/password/forgot', {}, 'zh-CN')
  assert.equal(chinese?.message, '此字段必填。')
  const echoed = JSON.stringify(await sendTo('/api/password/forgot', { email: ['my-secret'] }))
  assert.ok(!echoed.includes('my-secret'))
})
