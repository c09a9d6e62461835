import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Apache, startApache } from '../harness/apache.ts'
import { without } from '../harness/debian.ts'
import { eventually } from '../harness/journey.ts'
import { authorize, registerApp } from '../harness/oauth-browser.ts'
import { Person, signedUp } from '../harness/person.ts'
import { startServer } from '../harness/server.ts'

/** The same browser at the other site: its cookies there, nothing of ours. */
const visitorOf = (apache: Apache) => new Person(apache.origin)

async function signedInAt(apache: Apache, person: Person): Promise<Person> {
  const visitor = visitorOf(apache)
  const sent = await visitor.get('/members/')
  assert.equal(sent.status, 302)
  const back = await authorize(person, sent.headers.get('location') ?? '')
  assert.equal(back.origin + back.pathname, apache.callback)
  const arrived = await visitor.get(back.pathname + back.search)
  assert.equal(arrived.status, 302, await apache.log())
  assert.equal(arrived.headers.get('location'), `${apache.origin}/members/`)
  return visitor
}

const memberAs = async (visitor: Person) => {
  const answer = await visitor.get('/members/')
  return answer.status === 200 ? answer.headers.get('x-remote-user') : answer.status
}

test('mod_auth_openidc guards a folder: sign-in by discovery, who it is, sign-out in both directions', {
  skip: without('apache'),
}, async () => {
  await using server = await startServer({ env: { LATCHKEY_LOOPBACK_FETCH: 'allow' } })
  const owner = await signedUp(server.origin)
  const { person, email } = await signedUp(server.origin)
  await using apache = await startApache(server.origin, ({ origin, callback }) =>
    registerApp(owner.person, {
      redirect_uris: [callback],
      post_logout_redirect_uris: [`${origin}/`],
      backchannel_logout_uri: `${callback}?logout=backchannel`,
      scope: 'openid email',
    }),
  )
  const visitor = await signedInAt(apache, person)
  assert.equal(await memberAs(visitor), email)
  assert.equal(await memberAs(visitorOf(apache)), 302, 'nobody else')

  // It begins there: the site sends the browser to us, and we send it back.
  const leaving = await visitor.get(
    `/members/callback?logout=${encodeURIComponent(`${apache.origin}/`)}`,
  )
  const ours = new URL(leaving.headers.get('location') ?? '')
  assert.equal(ours.origin + ours.pathname, `${server.origin}/oauth/logout`)
  assert.ok(ours.searchParams.get('id_token_hint'))
  assert.equal(ours.searchParams.get('post_logout_redirect_uri'), `${apache.origin}/`)
  assert.equal(await memberAs(visitor), 302)

  // It begins here: we tell the site, which checks our logout token and forgets the browser.
  const again = await signedInAt(apache, person)
  assert.equal(await memberAs(again), email)
  await person.expect(204, 'DELETE', '/api/sessions/current')
  await eventually('the site has been told', 5_000, async () => (await memberAs(again)) === 302)
})
