import { inspector as en } from '../../messages/en/inspector.ts'
import { useLanguage } from '../../messages/messages.tsx'
import { inspector as zh } from '../../messages/zh/inspector.ts'

export type InspectorWords = typeof en

/** The words of these pages in the reader's language; they come with the page itself. */
export const useInspectorWords = (): InspectorWords => (useLanguage().locale === 'zh' ? zh : en)
