import assert from 'node:assert/strict'
import { test } from 'node:test'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import { databases, startServer } from '../../../test/harness/server.ts'
import { hour, minute } from '../platform/clock/clock.ts'
import { createMail } from './index.ts'
import type { OutgoingMail } from './message.ts'
import { renderMail } from './render.ts'

type Inbox = {
  port: number
  mails: Email[]
  recipients: string[][]
  [Symbol.asyncDispose](): Promise<void>
}

/** A provider on this machine; `refuse` answers every recipient with that status. */
async function provider(port = 0, refuse?: number): Promise<Inbox> {
  const mails: Email[] = []
  const recipients: string[][] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo(_address, _session, done) {
      if (refuse === undefined) return done()
      done(Object.assign(new Error('no such mailbox'), { responseCode: refuse }))
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', async () => {
        recipients.push(session.envelope.rcptTo.map((to) => to.address))
        mails.push(await PostalMime.parse(Buffer.concat(chunks)))
        done()
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    mails,
    recipients,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

const code: OutgoingMail = {
  kind: 'verify_email',
  to: 'ada@example.com',
  locale: 'zh',
  values: {},
  code: '123456',
  link: 'https://id.example.com/verify',
}

for (const database of databases) {
  test(`${database}: a Chinese mail arrives whole, at one recipient`, async () => {
    await using inbox = await provider()
    await using server = await startServer({
      database,
      env: { LATCHKEY_SMTP_URL: `smtp://127.0.0.1:${inbox.port}` },
    })
    const mail = createMail(server.platform)
    await mail.send(code)
    await mail.deliver()
    const [message] = inbox.mails
    assert.deepEqual(inbox.recipients, [['ada@example.com']])
    assert.equal(message?.subject, '您的验证码')
    assert.match(message?.text ?? '', /123456/)
    assert.match(message?.html ?? '', /lang="zh"/)
    assert.match(message?.html ?? '', /请输入此验证码/)
  })

  test(`${database}: a provider that was down gets each mail once when it is up again`, async () => {
    const probe = await provider()
    const { port } = probe
    await probe[Symbol.asyncDispose]()
    await using server = await startServer({
      database,
      env: { LATCHKEY_SMTP_URL: `smtp://127.0.0.1:${port}` },
    })
    const mail = createMail(server.platform)
    await mail.send(code)
    assert.equal(await mail.deliver(), 0)
    await using inbox = await provider(port)
    assert.equal(await mail.deliver(), 0) // not due yet
    server.clock.advance(minute)
    const second = createMail(server.platform) // another node, at the same moment
    await Promise.all([mail.deliver(), second.deliver()])
    server.clock.advance(hour)
    await mail.deliver()
    assert.equal(inbox.mails.length, 1)
  })

  test(`${database}: a message whose transaction fails never leaves`, async () => {
    await using server = await startServer({ database })
    const mail = createMail(server.platform)
    await assert.rejects(
      server.platform.database.transaction(async () => {
        await mail.send(code)
        throw new Error('no')
      }),
    )
    assert.deepEqual(await mail.recent(10), [])
  })
}

test('a mailbox that does not exist is not tried again', async () => {
  await using inbox = await provider(0, 550)
  await using server = await startServer({
    env: { LATCHKEY_SMTP_URL: `smtp://127.0.0.1:${inbox.port}` },
  })
  const mail = createMail(server.platform)
  await mail.send(code)
  await mail.deliver()
  const { query } = server.platform.database.tables<{ outbox: { state: string } }>()
  const rows = await query.selectFrom('outbox').select('state').execute()
  assert.deepEqual(
    rows.map((row) => row.state),
    ['failed'],
  )
})

test('what people typed is inert in HTML and cannot add a header', () => {
  const { subject, html, text } = renderMail(
    {
      kind: 'decision',
      to: 'ada@example.com',
      locale: 'en',
      values: { decision: 'suspend', reason: 'x', text: '<img src=x onerror=alert(1)>\r\nBcc: e' },
    },
    'https://id.example.com',
  )
  assert.ok(!/[\r\n]/.test(subject))
  assert.ok(!html.includes('<img'))
  assert.ok(html.includes('&lt;img'))
  assert.ok(text.includes('<img')) // plain text stays plain
})

test('the development outbox answers this machine alone', async () => {
  await using server = await startServer()
  assert.equal((await fetch(`${server.origin}/dev/outbox`)).status, 200)
  const rebound = await server.app.inject({ url: '/dev/outbox', headers: { host: 'evil.example' } })
  assert.equal(rebound.statusCode, 404)
  const remote = await server.app.inject({
    url: '/dev/outbox',
    headers: { host: 'localhost' },
    remoteAddress: '192.0.2.1',
  })
  assert.equal(remote.statusCode, 404)
})
