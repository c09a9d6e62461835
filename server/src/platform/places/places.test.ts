import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../../../test/harness/journey.ts'
import { testClock } from '../../../../test/harness/server.ts'
import { hour } from '../clock/clock.ts'
import { createLog } from '../log/log.ts'
import { openPlaces } from './places.ts'

const bundled = fileURLToPath(
  import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'),
)

function opened(file: string | null) {
  const lines: string[] = []
  const clock = testClock()
  const log = createLog('warn', (line) => lines.push(line))
  const places = openPlaces({ file, clock, log })
  const shown = async (address: string) => {
    const place = await places.of(address)
    return place.kind === 'country' ? place.country : place.kind
  }
  return { shown, lines, clock }
}

test('a public address has a country, a private one is private, anything else is unknown', async () => {
  const { shown, lines } = opened(null)
  const expected = {
    '8.8.8.8': 'US',
    '114.114.114.114': 'CN',
    '::ffff:114.114.114.114': 'CN',
    '2001:4860:4860::8888': 'US',
    '127.0.0.1': 'private',
    '::1': 'private',
    '::ffff:10.1.2.3': 'private',
    '172.31.255.255': 'private',
    '192.168.1.1': 'private',
    '100.64.3.4': 'private',
    'fe80::1%eth0': 'private',
    'fd12:3456::1': 'private',
    '203.0.113.9': 'unknown',
    '2001:db8::1': 'unknown',
    '0.0.0.0': 'unknown',
    '::': 'unknown',
    '240.0.0.1': 'unknown',
    '224.0.0.1': 'unknown',
    'not an address': 'unknown',
    '': 'unknown',
    '8.8.8.8, 1.1.1.1': 'unknown',
  }
  for (const [address, place] of Object.entries(expected))
    assert.equal(await shown(address), place, address)
  assert.deepEqual(lines, [])
})

test('switched off, only private networks are told apart', async () => {
  const { shown } = opened('off')
  assert.equal(await shown('8.8.8.8'), 'unknown')
  assert.equal(await shown('10.0.0.1'), 'private')
})

test('a file that is missing or damaged makes places unknown, is logged, and is tried again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-places-'))
  try {
    const file = join(folder, 'own.mmdb')
    const { shown, lines, clock } = opened(file)
    const asked = await Promise.all(Array.from({ length: 50 }, () => shown('8.8.8.8')))
    assert.deepEqual(new Set(asked), new Set(['unknown']))
    assert.equal(lines.length, 1)
    await writeFile(file, 'not a database')
    clock.advance(hour)
    assert.equal(await shown('8.8.8.8'), 'unknown')

    await copyFile(bundled, file)
    clock.advance(hour)
    await eventually('the new file is read', 2_000, async () => (await shown('8.8.8.8')) === 'US')

    await truncate(file, 1_000)
    clock.advance(hour)
    assert.equal(await shown('8.8.8.8'), 'US', 'what was read before goes on')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
