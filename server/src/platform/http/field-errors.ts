import type { FastifySchemaValidationError } from 'fastify'
import type { Locale } from '../../../messages/messages.ts'
import type { FieldError } from './problem.ts'

type Texts = Record<FieldCode, (params: Record<string, unknown>) => string>
type FieldCode =
  | 'required'
  | 'wrong_type'
  | 'too_short'
  | 'too_long'
  | 'not_allowed'
  | 'unknown_field'
  | 'invalid'

const texts: Record<Locale, Texts> = {
  en: {
    required: () => 'This field is required.',
    wrong_type: ({ expected }) => `This must be of type ${String(expected)}.`,
    too_short: ({ minimum }) => `This is too short or too small; the least is ${String(minimum)}.`,
    too_long: ({ maximum }) => `This is too long or too large; the most is ${String(maximum)}.`,
    not_allowed: ({ values }) =>
      `Use one of: ${(values as unknown[] | undefined)?.join(', ') ?? ''}.`,
    unknown_field: () => 'This field is not known here.',
    invalid: () => 'This does not have the right form.',
  },
  zh: {
    required: () => '此字段必填。',
    wrong_type: ({ expected }) => `此字段的类型必须是 ${String(expected)}。`,
    too_short: ({ minimum }) => `过短或过小，最小为 ${String(minimum)}。`,
    too_long: ({ maximum }) => `过长或过大，最大为 ${String(maximum)}。`,
    not_allowed: ({ values }) =>
      `请使用以下之一：${(values as unknown[] | undefined)?.join('、') ?? ''}。`,
    unknown_field: () => '此处不认识该字段。',
    invalid: () => '格式不正确。',
  },
}

/**
 * Codes programs can rely on and sentences people can read; values are never echoed. The issues are
 * zod's as fastify-type-provider-zod hands them on: the code as `keyword`, the rest as `params`.
 */
export function fieldErrors(
  validation: readonly FastifySchemaValidationError[] | undefined,
  locale: Locale,
): FieldError[] {
  return (validation ?? []).flatMap((issue): FieldError[] => {
    const field = issue.instancePath.replace(/^\//, '').replaceAll('/', '.')
    const { keys } = issue.params as { keys?: string[] }
    if (issue.keyword === 'unrecognized_keys')
      return (keys ?? []).map((key) => ({
        field: field === '' ? key : `${field}.${key}`,
        code: 'unknown_field',
        message: texts[locale].unknown_field({}),
      }))
    const code = fieldCode(issue)
    return [{ field, code, message: texts[locale][code](issue.params) }]
  })
}

function fieldCode({ keyword, message }: FastifySchemaValidationError): FieldCode {
  switch (keyword) {
    case 'invalid_type':
      // The value itself is not handed on, and need not be; that there was none stands in the text alone.
      return message?.endsWith('received undefined') ? 'required' : 'wrong_type'
    case 'too_small':
      return 'too_short'
    case 'too_big':
      return 'too_long'
    case 'invalid_value':
      return 'not_allowed'
    default:
      return 'invalid'
  }
}
