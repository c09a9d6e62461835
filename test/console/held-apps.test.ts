import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldApps } from '../../console/src/pages/devices/held-apps.ts'

test('an app that was allowed several times on a device is listed once, with its last renewal', () => {
  const [early, late] = ['2026-12-01T00:00:00.000Z', '2026-12-22T00:00:00.000Z']
  const grant = (client_name: string, renews_until: string | null) => ({
    client_name,
    renews_until,
  })
  assert.deepEqual(
    heldApps([
      grant('Notes', late),
      grant('Box', null),
      grant('Notes', null),
      grant('Notes', early),
      grant('Box', early),
    ]),
    [grant('Notes', late), grant('Box', early)],
  )
  assert.deepEqual(heldApps([]), [])
})
