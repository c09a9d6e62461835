import * as en from '../../messages/en/mail.ts'
import * as zh from '../../messages/zh/mail.ts'
import type { MailKind, MailValues, OutgoingMail } from './message.ts'

const catalogues = { en, zh } as const

/** What leaves: text and HTML say the same. */
export type RenderedMail = { subject: string; text: string; html: string }

/**
 * Plain functions, no template language. Values come from people, so every one is escaped in the
 * HTML part and loses line breaks in the subject.
 */
export function renderMail(mail: OutgoingMail, origin: string): RenderedMail {
  const { mail: texts, mailFooter, codeLabel } = catalogues[mail.locale]
  // The union keeps kind and values together; indexing by it loses that.
  const write = texts[mail.kind] as (values: MailValues[MailKind]) => en.MailText
  const { subject, paragraphs, button } = write(mail.values)
  const footer = mailFooter.replace('{origin}', origin)
  const text = [
    ...(mail.code === undefined ? [] : [`${codeLabel}: ${mail.code}`]),
    ...paragraphs,
    ...(mail.link === undefined ? [] : [`${button ?? ''}: ${mail.link}`]),
    `-- \n${footer}`,
  ].join('\n\n')
  return { subject: subject.replaceAll(/[\r\n]+/g, ' '), text, html: page() }

  function page(): string {
    const code =
      mail.code === undefined
        ? ''
        : `<p style="font:600 32px/1.4 ui-monospace,Consolas,monospace;letter-spacing:.2em">${escapeHtml(mail.code)}</p>`
    const link =
      mail.link === undefined
        ? ''
        : `<p><a href="${escapeHtml(mail.link)}" style="display:inline-block;padding:10px 18px;border-radius:6px;background:#1f4fd8;color:#fff;text-decoration:none">${escapeHtml(button ?? mail.link)}</a></p>`
    const body = paragraphs
      .map((paragraph) => `<p>${escapeHtml(paragraph).replaceAll('\n', '<br>')}</p>`)
      .join('\n')
    return `<!doctype html><html lang="${mail.locale}"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>
<body style="font:16px/1.6 system-ui,sans-serif;color:#1a1d23;max-width:34em;margin:2em auto;padding:0 1em">
${code}
${body}
${link}
<p style="color:#5f6673;font-size:13px">${escapeHtml(footer)}</p>
</body></html>`
  }
}

export const escapeHtml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
