import type { ReactNode } from 'react'
import { cx } from './cx.ts'
import styles from './table.module.css'

export type Column<Row> = {
  title: string
  /** Numbers stand to the right, so that they can be compared. */
  align?: 'end'
  /** The heading of a row's card on phones, and the row's header cell. */
  main?: boolean
  /** A column of controls; its title is for screen readers only. */
  quiet?: boolean
  /** Speaks for itself: on phones it stands below the heading, over the whole width, without its title. */
  plain?: boolean
  cell(row: Row): ReactNode
}

/** A table; below 720 px each row becomes a card with the column titles inside. */
export function Table<Row>(props: {
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey(row: Row): string
}) {
  return (
    <div className={styles.wrap}>
      <table className={styles.table}>
        <caption className="visually-hidden">{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map((column) => (
              <th key={column.title} scope="col" className={cx(column.align && styles.end)}>
                <span className={cx(column.quiet && 'visually-hidden')}>{column.title}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.rowKey(row)}>
              {props.columns.map((column) =>
                column.main ? (
                  <th key={column.title} scope="row" className={styles.main}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td
                    key={column.title}
                    {...(column.quiet || column.plain ? {} : { 'data-label': column.title })}
                    className={cx(
                      column.align && styles.end,
                      column.quiet && styles.quiet,
                      column.plain && styles.plain,
                    )}
                  >
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
