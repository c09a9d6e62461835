import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { call } from '../../api/client.ts'
import { cx } from '../../design/cx.ts'
import { useLanguage } from '../../messages/messages.tsx'
import styles from './password-meter.module.css'

/** What the server thinks of a password, asked once typing pauses. The server decides again at the end. */
export function usePasswordStrength(password: string, name?: string, email?: string) {
  const settled = useDebounced(password, 250)
  return useQuery({
    queryKey: ['password-strength', settled, name, email],
    queryFn: () =>
      call('POST /api/password/strength', {
        body: { password: settled, ...(name && { name }), ...(email && { email }) },
      }),
    enabled: settled.length > 0,
    placeholderData: keepPreviousData,
    gcTime: 0, // a password does not stay in a cache
    retry: false,
  })
}

export function PasswordMeter(props: { password: string; name?: string; email?: string }) {
  const { m } = useLanguage()
  const { data } = usePasswordStrength(props.password, props.name, props.email)
  const strength = props.password === '' ? undefined : data
  const level = strength ? strength.score : -1
  const good = strength?.acceptable === true
  return (
    <div className={styles.meter}>
      <div className={styles.bars} aria-hidden="true">
        {[0, 1, 2, 3].map((bar) => (
          <span
            key={bar}
            className={cx(
              styles.bar,
              strength && bar < Math.max(1, level) && (good ? styles.good : styles.poor),
            )}
          />
        ))}
      </div>
      <p className={styles.words} aria-live="polite">
        {strength
          ? `${m.strength.label}: ${m.strength.scores[level] ?? ''}. ${strength.message ?? m.strength.acceptable}`
          : m.strength.hint}
      </p>
    </div>
  )
}

function useDebounced<T>(value: T, ms: number): T {
  const [settled, settle] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => settle(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}
