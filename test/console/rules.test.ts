import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { blocksOf, inlinesOf } from '../../console/src/pages/help/blocks.ts'
import { ownPath } from '../../console/src/shell/next.ts'

const origin = 'https://keys.example.com'

test('whatever stands in ?next=, it never leads to another origin', () => {
  const corpus = [
    '//evil.example',
    '////evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/%2f%2fevil.example',
    'keys.example.com@evil.example',
    '/@evil.example',
    '',
  ]
  const leadsHome = (next: string) =>
    assert.equal(new URL(ownPath(next, origin), origin).origin, origin)
  for (const next of corpus) leadsHome(next)
  fc.assert(fc.property(fc.string(), (text) => leadsHome(text)))
  fc.assert(fc.property(fc.webUrl(), (text) => leadsHome(text)))
  assert.equal(ownPath('/usage?from=2026-11-01#day', origin), '/usage?from=2026-11-01#day')
  assert.equal(ownPath('https://keys.example.com/usage', origin), '/')
})

test('an article becomes headings, lists, blocks and safe links, and nothing else', () => {
  const text = [
    '## Keys',
    'One paragraph',
    'on two lines.',
    '',
    '- first',
    '  goes on',
    '- second',
    '1. one',
    '```',
    '# not a heading',
    '```',
    'End.',
  ].join('\n')
  assert.deepEqual(blocksOf(text), [
    { kind: 'heading', level: 2, text: 'Keys' },
    { kind: 'paragraph', text: 'One paragraph on two lines.' },
    { kind: 'list', ordered: false, items: ['first goes on', 'second'] },
    { kind: 'list', ordered: true, items: ['one'] },
    { kind: 'code', text: '# not a heading' },
    { kind: 'paragraph', text: 'End.' },
  ])
  assert.deepEqual(inlinesOf('Use `KEY`, see [here](/help/x) or [there](javascript:alert`1`).'), [
    { kind: 'text', text: 'Use ' },
    { kind: 'code', text: 'KEY' },
    { kind: 'text', text: ', see ' },
    { kind: 'link', text: 'here', to: '/help/x' },
    { kind: 'text', text: ' or ' },
    { kind: 'text', text: 'there' },
    { kind: 'text', text: '.' },
  ])
  fc.assert(
    fc.property(fc.string(), (any) => {
      for (const part of inlinesOf(any))
        if (part.kind === 'link') assert.match(part.to, /^(\/(?!\/)|#|https?:\/\/|mailto:)/)
    }),
  )
})
