import { LinkButton } from '../design/button.tsx'
import { PageHeader } from '../design/page.tsx'
import { Loading, Refused } from '../design/states.tsx'
import { useLanguage } from '../messages/messages.tsx'
import { OpenFrame } from './open-frame.tsx'

export function RoutePending() {
  return <Loading rows={4} />
}

/** A page that broke: the reason if the server gave one, and a way to try again. */
export function RouteError(props: { error: unknown; reset(): void }) {
  return <Refused error={props.error} retry={props.reset} />
}

export function RouteNotFound() {
  const { m } = useLanguage()
  return (
    <OpenFrame>
      <PageHeader title={m.notFound.title} lead={m.notFound.text} />
      <LinkButton to="/" kind="primary">
        {m.notFound.home}
      </LinkButton>
    </OpenFrame>
  )
}
