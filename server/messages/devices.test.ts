import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceText } from './devices.ts'

test('a device is called by its reader’s language, and an app as its maker calls it', () => {
  const cases: [string, boolean, string][] = [
    ['Chrome on macOS', false, 'macOS 上的 Chrome'],
    ['Unknown device', false, '未知设备'],
    ['Firefox', false, 'Firefox'],
    ['Living-room box · latchkey-cli on Linux', true, 'Living-room box · Linux 上的 latchkey-cli'],
    ['Living-room box · node', true, 'Living-room box · node'],
    ['Notes on Demand', true, 'Notes on Demand'],
    ['Notes on Demand · curl on Linux', true, 'Notes on Demand · Linux 上的 curl'],
    ['', true, ''],
  ]
  for (const [name, ofApp, zh] of cases) {
    assert.equal(deviceText('zh', name, ofApp), zh)
    assert.equal(deviceText('en', name, ofApp), name)
  }
})
