import { Link, type LinkProps } from '@tanstack/react-router'
import type { ButtonHTMLAttributes, ReactNode } from 'react'
import styles from './button.module.css'
import { cx } from './cx.ts'
import { Icon, type IconName } from './icon.tsx'

type Look = {
  /** One `primary` a view; `danger` only for what cannot be undone. */
  kind?: 'primary' | 'secondary' | 'quiet' | 'danger'
  size?: 'small' | 'medium'
  wide?: boolean
  icon?: IconName
}

type ButtonProps = Look & ButtonHTMLAttributes<HTMLButtonElement> & { busy?: boolean }

const classOf = ({ kind = 'secondary', size = 'medium', wide }: Look) =>
  cx(styles.button, styles[kind], styles[size], wide && styles.wide)

/** While `busy` it keeps its name and focus, says so to assistive technology and ignores clicks. */
export function Button({ kind, size, wide, icon, busy, children, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      {...(busy ? { 'aria-disabled': true, 'aria-busy': true } : {})}
      onClick={(event) => {
        if (busy) return event.preventDefault()
        onClick?.(event)
      }}
      className={classOf({ ...(kind && { kind }), ...(size && { size }), ...(wide && { wide }) })}
    >
      {busy ? <span className={styles.spinner} /> : icon && <Icon name={icon} size={18} />}
      {children}
    </button>
  )
}

export function LinkButton({
  kind,
  size,
  wide,
  icon,
  children,
  ...link
}: Look & LinkProps & { children: ReactNode }) {
  return (
    <Link
      {...link}
      className={classOf({ ...(kind && { kind }), ...(size && { size }), ...(wide && { wide }) })}
    >
      {icon && <Icon name={icon} size={18} />}
      {children}
    </Link>
  )
}

/** A control that is only an icon; `label` is its name. */
export function IconButton({
  icon,
  label,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { icon: IconName; label: string }) {
  return (
    <button type="button" aria-label={label} title={label} {...rest} className={styles.iconButton}>
      <Icon name={icon} />
    </button>
  )
}
