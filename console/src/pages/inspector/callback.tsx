import { Link, useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import { FormFrame } from '../../shell/open-frame.tsx'
import { handBack } from './sign-in-window.ts'
import { useInspectorWords } from './words.ts'

/**
 * Where the browser comes back to in a test. It shows nothing of what the address holds: anybody can
 * make a link to here.
 */
export function InspectorCallback() {
  const words = useInspectorWords().callback
  const { clientId } = useParams({ from: '/apps/$clientId/inspector/callback' })
  useEffect(() => {
    const { search, pathname } = location
    if (search === '') return
    handBack(search)
    history.replaceState(history.state, '', pathname) // a code has no place in the history
    window.close()
  }, [])
  return (
    <FormFrame
      title={words.title}
      lead={words.text}
      foot={
        <Link to="/apps/$clientId/inspector" params={{ clientId }}>
          {words.open}
        </Link>
      }
    >
      <p>{words.lonely}</p>
    </FormFrame>
  )
}
