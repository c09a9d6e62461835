import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { pageHeaders } from '#platform/http/security-headers.ts'
import type { Locale } from '../../../messages/messages.ts'
import { type OAuthPageKey, oauthPages } from '../../../messages/oauth.ts'

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '')

const document = (locale: Locale, head: string, body: string) =>
  `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Latchkey</title>${head}</head><body>${body}</body></html>\n`

/** The console's look in a few lines, for pages that people read; its colours are those of `tokens.css`. */
const style = [
  ':root{color-scheme:light dark;--paper:#faf9f6;--card:#fff;--line:#e5e1d8;--ink:#1d1b17;--ink-2:#57534a;--accent:#0c6a5d;--on-accent:#fff}',
  '@media(prefers-color-scheme:dark){:root{--paper:#131311;--card:#1b1a18;--line:#33302b;--ink:#f1ede5;--ink-2:#bdb6a9;--accent:#5fd0bb;--on-accent:#06231f}}',
  '*{box-sizing:border-box}body{margin:0;padding:16px;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}',
  'header{display:flex;gap:10px;align-items:center;max-width:440px;margin:0 auto 24px;font-weight:700}',
  'svg{fill:none;stroke:var(--on-accent);stroke-width:2.8;stroke-linecap:round}rect{fill:var(--accent);stroke:none}',
  'main{max-width:440px;margin:0 auto;padding:24px;background:var(--card);border:1px solid var(--line);border-radius:12px}',
  'h1{margin:0 0 8px;font-size:22px;line-height:1.25;text-wrap:balance}p{margin:0 0 16px;color:var(--ink-2)}code{font-size:14px}',
  'main a{display:block;padding:8px 14px;border-radius:8px;background:var(--accent);color:var(--on-accent);font-weight:600;text-align:center;text-decoration:none}',
  'a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}@media(min-width:600px){body{padding-top:72px}main{padding:32px}}',
].join('')
const styleHash = createHash('sha256').update(style).digest('base64')

const readable = (locale: Locale, body: string) =>
  document(
    locale,
    `<style>${style}</style>`,
    `<header><svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/><circle cx="12.5" cy="10.6" r="4.3"/><path d="M12.5 14.9V25.4H21M12.5 20.4h5.2"/></svg>Latchkey</header><main>${body}</main>`,
  )

/** Nothing may run, load, frame or be sent from these pages; the one style is known by its hash. */
export const barePageHeaders = (origin: string): Record<string, string> => ({
  ...Object.fromEntries(pageHeaders(origin)),
  'content-security-policy': `default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-${styleHash}'`,
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
})

/**
 * The bounce: a document of ours that starts a new navigation, which is what makes a browser send a
 * Strict cookie after a cross-site arrival; a redirect never does. The target is a path made here.
 */
export const bouncePage = (path: string): string =>
  document(
    'en',
    `<meta http-equiv="refresh" content="0;url=${escapeHtml(path)}">`,
    `<p><a href="${escapeHtml(path)}">Continue / 继续</a></p>`,
  )

/** The same without moving by itself: for an arrival that is still cross-site. */
export const continuePage = (path: string): string =>
  readable('en', `<a href="${escapeHtml(path)}">Continue / 继续</a>`)

/** `sayAway` of what a person's browser opens. */
export const pageAway = (origin: string) => (request: FastifyRequest, reply: FastifyReply) =>
  reply.headers(barePageHeaders(origin)).send(noticePage(origin, request.locale, 'unavailable'))

/** A dead end with a way out: what happened, what to do, and where to read more. */
export function noticePage(
  origin: string,
  locale: Locale,
  key: OAuthPageKey,
  detail?: string,
): string {
  const text = oauthPages[locale][key]
  const more = detail ? `<p><code>${escapeHtml(detail)}</code></p>` : ''
  const link = `${origin}${text.link}`
  return readable(
    locale,
    `<h1>${text.title}</h1><p>${text.detail}</p>${more}<a href="${escapeHtml(link)}">${text.linkText}</a>`,
  )
}
