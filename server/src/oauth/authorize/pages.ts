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
  `<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Latchkey</title>${head}</head><body>${body}</body></html>\n`

/** Nothing may run, load, frame or be sent from these pages. */
export const barePageHeaders = (origin: string): Record<string, string> => ({
  ...Object.fromEntries(pageHeaders(origin)),
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
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
  document('en', '', `<p><a href="${escapeHtml(path)}">Continue / 继续</a></p>`)

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
  return document(
    locale,
    '',
    `<h1>${text.title}</h1><p>${text.detail}</p>${more}<p><a href="${escapeHtml(link)}">${text.linkText}</a></p>`,
  )
}
