import { crc32 } from 'node:zlib'
import type { UsageRecord } from './usage-record.ts'

/** A record as its row: the names are the columns of `usage_records`, so the text goes to the database as it is. */
export type RecordRow = {
  request_id: string
  at: number
  organization_id: string
  project_id: string | null
  account_id: string
  credential_kind: string
  credential_id: string
  endpoint: string
  model: string
  upstream: string
  status: number
  outcome: string
  streamed: number
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  estimated: number
  cost_micros: number
  first_byte_ms: number | null
  duration_ms: number
}

// The record's own texts are ids and names of ours, so quoting them is rarely more than two quotes.
const plain = /^[\w.:/ -]*$/
const quote = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text))

/** A record as the JSON of its row. Written by hand because it is on the path of every call. */
export const recordJson = (r: UsageRecord): string =>
  `{"request_id":"${r.requestId}","at":${r.at},"organization_id":${quote(r.organizationId)},"project_id":${r.projectId === null ? 'null' : quote(r.projectId)},"account_id":${quote(r.accountId)},"credential_kind":"${r.credentialKind}","credential_id":${quote(r.credentialId)},"endpoint":${quote(r.endpoint)},"model":${quote(r.model)},"upstream":${quote(r.upstream)},"status":${r.status},"outcome":"${r.outcome}","streamed":${r.streamed ? 1 : 0},"input_tokens":${r.inputTokens},"cached_input_tokens":${r.cachedInputTokens},"output_tokens":${r.outputTokens},"estimated":${r.estimated ? 1 : 0},"cost_micros":${r.costMicros},"first_byte_ms":${r.firstByteMs},"duration_ms":${r.durationMs}}`

/** `<crc32 of the JSON, 8 hex digits> <JSON>\n` */
export const journalLine = (json: string): string =>
  `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`

/**
 * The rows of a segment. A torn tail (power or process went while writing) ends in a line that is
 * cut or fails its checksum: it was never acknowledged and is left out; `torn` counts such lines.
 */
export function readSegment(text: string): { rows: RecordRow[]; torn: number } {
  const rows: RecordRow[] = []
  let torn = 0
  for (const line of text.split('\n')) {
    if (line === '') continue
    const json = line.slice(9)
    if (line[8] !== ' ' || crc32(json) !== Number.parseInt(line.slice(0, 8), 16)) {
      torn++
      continue
    }
    rows.push(JSON.parse(json) as RecordRow) // the checksum says that we wrote it
  }
  return { rows, torn }
}
