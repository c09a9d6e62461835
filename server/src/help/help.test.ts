import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { slugs as clientSlugs } from '../../../sdk/src/errors/messages.ts'
import { startServer } from '../../../test/harness/server.ts'
import { help as en } from '../../messages/en/help.ts'
import { locales } from '../../messages/messages.ts'
import { createHelp } from './index.ts'
import { related } from './related.ts'
import { createIndex, terms } from './search.ts'

const help = createHelp({ origin: 'https://ai.example.com', keyPrefix: 'sk-lk' })
const slugs = Object.keys(en)
const consolePages = new Set(
  '/ /sign-up /sign-in /verify /recover /keys /usage /apps /connected-apps /device /devices /security /cases'.split(
    ' ',
  ),
)

/** Every `help: 'slug'` and `/help/slug` of every catalogue of messages, whoever wrote it. */
async function namedSlugs(): Promise<[string, string][]> {
  const root = join(import.meta.dirname, '../../messages')
  const files = globSync('{en,zh}/*.ts', { cwd: root }).filter((file) => !/help\.ts$/.test(file))
  const found: [string, string][] = []
  const walk = (file: string, value: unknown): void => {
    if (typeof value === 'string')
      for (const [, slug = ''] of value.matchAll(/\/help\/([a-z-]+)/g)) found.push([file, slug])
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value)) {
      if (name === 'help' && typeof member === 'string') found.push([file, member])
      else walk(file, member)
    }
  }
  for (const file of files) walk(file, { ...(await import(join(root, file))) })
  return found
}

test('every help link of every message leads to an article', async () => {
  const named = await namedSlugs()
  assert.ok(named.length > 20)
  assert.deepEqual(
    named.filter(([, slug]) => !slugs.includes(slug)),
    [],
  )
})

test('every article that errors of the SDK and the CLI link to is here', () => {
  assert.deepEqual(
    Object.values(clientSlugs).filter((slug) => !slugs.includes(slug)),
    [],
  )
})

test('every article has a title, a summary and a body in both languages, Chinese in Chinese', () => {
  for (const slug of slugs)
    for (const locale of locales) {
      const article = help.find(slug, locale)
      assert.ok(article && article.body.length > 150, `${locale} ${slug}`)
      assert.equal(/\p{Script=Han}/u.test(article.title + article.summary), locale === 'zh', slug)
      assert.doesNotMatch(article.body, /\{(origin|api_base|key_prefix)\}/)
      assert.equal((article.body.match(/^```/gm) ?? []).length % 2, 0, `${slug}: fences`)
    }
})

test('both languages have the same sections, blocks and links', () => {
  const skeleton = (slug: string, locale: 'en' | 'zh') => {
    const body = help.find(slug, locale)?.body ?? ''
    return {
      sections: body.match(/^## /gm)?.length ?? 0,
      blocks: body.match(/^```/gm)?.length ?? 0,
      items: body.match(/^- /gm)?.length ?? 0,
      links: [...body.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target).sort(),
    }
  }
  for (const slug of slugs) assert.deepEqual(skeleton(slug, 'zh'), skeleton(slug, 'en'), slug)
})

test('every link of every article resolves', () => {
  for (const slug of slugs)
    for (const [, target = ''] of (help.find(slug, 'en')?.body ?? '').matchAll(/\]\(([^)]+)\)/g)) {
      const path = target.replace('https://ai.example.com', '')
      const article = /^\/help\/(.+)$/.exec(path)?.[1]
      assert.ok(article ? slugs.includes(article) : consolePages.has(path), `${slug}: ${target}`)
    }
  for (const [slug, next] of Object.entries(related))
    assert.ok(next.length > 0 && next.every((one) => one !== slug), slug)
})

test('a search finds the article people mean, in both languages', () => {
  const first = (query: string, locale: 'en' | 'zh') => help.search(query, locale)[0]?.slug
  const wanted: [string, 'en' | 'zh', string][] = [
    ['forgot password', 'en', 'reset-password'],
    ['key leaked on github', 'en', 'leaked-key'],
    ['insufficient_scope', 'en', 'scopes'],
    ['streaming stops', 'en', 'streaming'],
    ['python', 'en', 'first-call'],
    ['appeal', 'en', 'appeals'],
    ['ollama', 'en', 'upstreams'],
    ['429', 'en', 'rate-limits'],
    ['already_appealed', 'en', 'appeals'],
    ['latchkey login', 'en', 'command-line'],
    ['ECONNREFUSED', 'en', 'provider-unavailable'],
    ['命令行', 'zh', 'command-line'],
    ['忘记密码', 'zh', 'reset-password'],
    ['密钥泄露', 'zh', 'leaked-key'],
    ['申诉', 'zh', 'appeals'],
    ['账户被停用', 'zh', 'suspended-account'],
    ['验证码收不到', 'zh', 'verify-email'],
    ['streaming', 'zh', 'streaming'],
  ]
  for (const [query, locale, slug] of wanted) assert.equal(first(query, locale), slug, query)
  assert.deepEqual(help.search('xyzzy quux', 'en'), [])
  assert.equal(help.search('', 'en').length, slugs.length)
})

test('Chinese is cut into pairs, codes into parts', () => {
  assert.deepEqual(terms('忘记密码'), ['忘记', '记密', '密码'])
  assert.deepEqual(terms('Invalid_API_key!'), ['invalid_api_key', 'invalid', 'api', 'key'])
  const index = createIndex([{ id: 'a', parts: [{ text: 'keys', weight: 1 }] }])
  assert.deepEqual(index.search('key', 5), ['a'], 'the beginning of a word is enough')
})

test('articles are public and follow the reader’s language', async () => {
  await using server = await startServer()
  const read = async (path: string, language = 'en') => {
    const response = await fetch(server.origin + path, { headers: { 'accept-language': language } })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const zh = await read('/api/help/appeals', 'zh-CN,zh;q=0.9')
  assert.deepEqual([zh.status, zh.body.title], [200, '申诉'])
  const asked = await read('/api/help/appeals?locale=en', 'zh-CN')
  assert.equal(asked.body.title, 'Appeals')
  assert.equal((await read('/api/help/nothing')).status, 404)
  assert.equal((await read('/api/help/__proto__')).status, 404)
  const found = (await read(`/api/help?q=${encodeURIComponent('忘记密码')}&locale=zh`)).body
  assert.equal((found.items as { slug: string }[])[0]?.slug, 'reset-password')
})
