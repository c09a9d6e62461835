import { useLanguage } from '../messages/messages.tsx'
import { Muted } from './page.tsx'

/** When something last happened, as “3 minutes ago”; “never” where it did not. */
export function Ago(props: { at: string | null }) {
  const { m, format } = useLanguage()
  return props.at ? format.relative(props.at) : <Muted>{m.common.never}</Muted>
}
