import { useSuspenseQuery } from '@tanstack/react-query'
import { lazy } from 'react'
import { consoleQuery } from '../api/queries.ts'
import { ConsoleFrame } from '../shell/signed-in.tsx'
import { Landing } from './landing/landing.tsx'

const Dashboard = lazy(() => import('./dashboard/dashboard.tsx'))

/** `/`: what this is for who comes by, the overview for who is signed in. */
export function Home() {
  const { data } = useSuspenseQuery(consoleQuery)
  if (!data.account) return <Landing server={data} />
  return (
    <ConsoleFrame>
      <Dashboard server={data} account={data.account} />
    </ConsoleFrame>
  )
}
