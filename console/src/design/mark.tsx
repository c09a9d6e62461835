import styles from './mark.module.css'

/** The latchkey: a key that is also an L. Decorative; the word beside it is the name. */
export function Mark(props: { size?: number }) {
  const size = props.size ?? 28
  return (
    <svg className={styles.mark} width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" className={styles.plate} />
      <g className={styles.key}>
        <circle cx="12.5" cy="10.5" r="4.4" />
        <path d="M12.5 14.9V25.4H21M12.5 20.4h5.2" />
      </g>
    </svg>
  )
}

export function Wordmark() {
  return (
    <span className={styles.wordmark}>
      <Mark />
      Latchkey
    </span>
  )
}
