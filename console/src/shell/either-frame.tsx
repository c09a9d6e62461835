import { useSuspenseQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { consoleQuery } from '../api/queries.ts'
import { OpenFrame } from './open-frame.tsx'
import { ConsoleFrame } from './signed-in.tsx'

/** For pages that everybody may read: the console's frame for who is signed in, the open one else. */
export function EitherFrame(props: { children: ReactNode }) {
  const { data } = useSuspenseQuery(consoleQuery)
  const Frame = data.account ? ConsoleFrame : OpenFrame
  return <Frame>{props.children}</Frame>
}
