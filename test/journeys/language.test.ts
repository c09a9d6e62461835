import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registerApp } from '../harness/oauth-browser.ts'
import { signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

test('a page of ours is answered in the language that it shows, others in that of the account', async () => {
  await using server = await startServer()
  const { person } = await signedUp(server.origin)
  const app = await registerApp(person)
  const told = async (language: string) =>
    (
      await person.request<{ title: string }>('PATCH', `/api/apps/${app.client_id}`, {
        body: { name: '' },
        headers: { 'accept-language': language },
      })
    ).body.title
  const [english, chinese] = [await told('en'), await told('zh')]
  assert.match(chinese, /\p{Script=Han}/u)
  assert.doesNotMatch(english, /\p{Script=Han}/u)
  assert.equal(await told('zh-CN,zh;q=0.9'), english, 'a browser’s list, an account in English')
  assert.equal(await told('*'), english)

  await person.expect(200, 'PATCH', '/api/account', { locale: 'zh' })
  assert.equal(await told('en-GB,en;q=0.8'), chinese)
  assert.equal(await told('en'), english)
})
