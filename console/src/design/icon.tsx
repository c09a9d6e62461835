/** 20 × 20 line icons, always beside words or inside a named control; hidden from screen readers. */
const paths = {
  home: 'M3.5 9 10 3.5 16.5 9v7a.5.5 0 0 1-.5.5h-4V12H8v4.5H4a.5.5 0 0 1-.5-.5z',
  key: 'M10 10a3.25 3.25 0 1 1-6.5 0 3.25 3.25 0 0 1 6.5 0M10 10h7v3M14 10v2.5',
  chart: 'M3.5 16.5h13M5.5 13.5v-4M10 13.5v-8M14.5 13.5v-6',
  apps: 'M4 4h4.5v4.5H4zM11.5 4H16v4.5h-4.5zM4 11.5h4.5V16H4zM11.5 11.5H16V16h-4.5z',
  link: 'M8.5 11.5a3 3 0 0 0 4.3.2l2.4-2.4a3 3 0 0 0-4.3-4.3l-.9.9M11.5 8.5a3 3 0 0 0-4.3-.2l-2.4 2.4a3 3 0 0 0 4.3 4.3l.9-.9',
  device: 'M3.5 4.5h13v8.5h-13zM7 16.5h6M10 13v3.5',
  shield: 'M10 3 4 5.2v4.3c0 3.6 2.4 6.2 6 7.5 3.6-1.3 6-3.9 6-7.5V5.2zM7.6 10l1.7 1.7 3.2-3.4',
  case: 'M4 3.5h8l4 4v9H4zM12 3.5v4h4M7 11h6M7 13.5h4',
  help: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M8 8a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M10 13.7v.01',
  people:
    'M7.5 9.5a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5M2.5 16c.4-2.7 2.4-4.2 5-4.2s4.6 1.5 5 4.2M13 4.3a2.6 2.6 0 0 1 0 5M14.8 12.2c1.5.6 2.5 1.9 2.7 3.8',
  scale: 'M10 3.5v13M6.5 16.5h7M4 6.5h12M4 6.5 2.2 11.5h3.6zM16 6.5l-1.8 5h3.6z',
  list: 'M7 5.5h9.5M7 10h9.5M7 14.5h9.5M3.6 5.5h.01M3.6 10h.01M3.6 14.5h.01',
  pulse: 'M2.5 10.5h3.5l2-5.5 3.5 10 2.3-6 1 1.5h2.7',
  menu: 'M3.5 6h13M3.5 10h13M3.5 14h13',
  close: 'm5 5 10 10M15 5 5 15',
  check: 'm4.5 10.5 3.5 3.5 7.5-8',
  copy: 'M7.5 7.5h8.5V16.5H7.5zM4.5 12.5h-1v-9h9v1',
  alert: 'M10 3.2 17.5 16.5h-15zM10 8v4M10 14.2v.01',
  info: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M10 9.2v4.3M10 6.5v.01',
  plus: 'M10 4v12M4 10h12',
  eye: 'M2 10s3-5.5 8-5.5 8 5.5 8 5.5-3 5.5-8 5.5S2 10 2 10M10 12.4a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8',
  chevron: 'm7.5 5 5 5-5 5',
  down: 'm5 7.5 5 5 5-5',
  globe:
    'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M3 10h14M10 3c2 2 3 4.3 3 7s-1 5-3 7c-2-2-3-4.3-3-7s1-5 3-7',
  theme: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M10 3v14',
  exit: 'M11.5 3.5h-7v13h7M8.5 10h8.5M14 7l3 3-3 3',
  search: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11M13 13l4 4',
  external: 'M8 4.5H4.5v11h11V12M11.5 3.5h5v5M16.5 3.5 9.5 10.5',
} as const

export type IconName = keyof typeof paths

export function Icon(props: { name: IconName; size?: number }) {
  const size = props.size ?? 20
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[props.name]} />
    </svg>
  )
}
