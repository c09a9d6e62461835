import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isPublicAddress } from './public-address.ts'
import { parseTarget } from './target.ts'

const publicAddresses = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.216.34',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:80b::200e',
  '2620:0:2d0:200::7',
  '2400:cb00:2048:1::c629:d7a2',
]

const refusedAddresses = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.100.100.200',
  '100.127.255.255',
  '127.0.0.1',
  '127.1.2.3',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.0.1',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.0.192',
  '192.0.2.1',
  '192.31.196.1',
  '192.52.193.1',
  '192.88.99.1',
  '192.168.0.1',
  '192.168.255.255',
  '192.175.48.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.7',
  '203.0.113.7',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::127.0.0.1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:8.8.8.8',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::8.8.8.8',
  '64:ff9b:1::1',
  '100::1',
  '100:0:0:1::1',
  '2001::1',
  '2001:0:53aa:64c:0:7fff:a4c8:1',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  '2002:0a00:0001::',
  '2620:4f:8000::1',
  '3fff::1',
  '4000::1',
  '5f00::1',
  'fc00::1',
  'fd00::1',
  'fd00:ec2::254',
  'fdff:ffff::1',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fec0::1',
  'ff02::1',
  'ff0e::1',
]

test('no private, special or translated address counts as public', () => {
  assert.deepEqual(refusedAddresses.filter(isPublicAddress), [])
  assert.deepEqual(
    publicAddresses.filter((address) => !isPublicAddress(address)),
    [],
  )
})

test('what is no address is not public', () => {
  for (const text of ['', 'localhost', '1.1.1', '1.1.1.1.', '01.1.1.1', '0x1.1.1.1', '1.1.1.1/8'])
    assert.equal(isPublicAddress(text), false, text)
})

const refusedUrls = [
  // other spellings of 127.0.0.1, 10.0.0.1 and 169.254.169.254
  'https://127.0.0.1/',
  'https://127.0.0.1./',
  'https://127.1/',
  'https://127.0.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0x7f.0.0.1/',
  'https://0x7f.1/',
  'https://0177.0.0.1/',
  'https://017700000001/',
  'https://0/',
  'https://0x0/',
  'https://%31%32%37.0.0.1/',
  'https://127%2e0%2e0%2e1/',
  'https://①②⑦.⓪.⓪.①/',
  'https://127。0。0。1/',
  'https://0xa9fea9fe/',
  'https://2852039166/',
  'https://0251.0376.0251.0376/',
  'https://169.254.43518/',
  'https://0xA000001/',
  'https://[::1]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[::]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[fe80::1%25eth0]/',
  'https://[fe80::1]/',
  'https://[fd00:ec2::254]/',
  // names near us
  'https://localhost/',
  'https://LOCALHOST/',
  'https://localhost./',
  'https://app.localhost/',
  'https://intranet/',
  'https://printer.local/',
  'https://metadata.google.internal/',
  'https://router.home.arpa/',
  'https://hidden.onion/',
  'https://example.com./',
  'https://*.example.com/',
  'https://-a.example.com/',
  'https://1.2.3.example.9/',
  // not https, not plain
  'http://example.com/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'data:text/plain,hello',
  'javascript:alert(1)',
  'gopher://example.com/',
  'https://user@example.com/',
  'https://user:pass@example.com/',
  'https://:@example.com/',
  'https://@example.com/',
  'https://example.com@127.0.0.1/',
  'https://example.com/#fragment',
  'https:\\\\example.com\\',
  'https://example.com\\@127.0.0.1/',
  'https://exam\tple.com/',
  'https://example.com/\n',
  ' https://example.com/',
  'https://example.com/a b',
  'https://bücher.example/',
  '//example.com/',
  'example.com',
  'https://',
  '',
  `https://example.com/${'a'.repeat(2_048)}`,
  // ports of other protocols
  'https://example.com:0/',
  'https://example.com:22/',
  'https://example.com:25/',
  'https://example.com:80/',
  'https://example.com:3306/',
  'https://example.com:5432/',
  'https://example.com:6379/',
  'https://example.com:6667/',
  'https://example.com:11211/',
  'https://example.com:65536/',
]

test('no spelling of a near address, no other scheme, user or port passes as a URL', () => {
  assert.deepEqual(
    refusedUrls.filter((url) => parseTarget(url, false) !== null),
    [],
  )
  for (const url of [
    'https://example.com',
    'https://example.com:443/a?b=c',
    'https://example.com:8443/x',
    'https://xn--bcher-kva.example.com/',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
  ])
    assert.ok(parseTarget(url, false), url)
})

test('with loopback allowed, only URLs that name this machine itself gain', () => {
  for (const url of ['http://localhost:3000/a', 'http://127.0.0.1:9/', 'https://[::1]:8443/'])
    assert.ok(parseTarget(url, true), url)
  const more = ['http://example.com/', 'https://10.0.0.1/', 'http://localhost@10.0.0.1/']
  for (const url of [...more, 'http://[::ffff:127.0.0.1]/', 'ftp://localhost/', 'https://a.local/'])
    assert.equal(parseTarget(url, true), null, url)
})

test('every spelling of an IPv4 address is judged as that address', () => {
  const octet = fc.integer({ min: 0, max: 255 })
  const spell = (n: number, style: number) =>
    style === 0 ? String(n) : style === 1 ? `0x${n.toString(16)}` : `0${n.toString(8)}`
  fc.assert(
    fc.property(fc.tuple(octet, octet, octet, octet), fc.array(fc.nat(2)), (parts, styles) => {
      const dotted = parts.join('.')
      const [a, b, c, d] = parts
      const tail = c * 256 + d
      const spellings = [
        dotted,
        parts.map((part, i) => spell(part, styles[i] ?? 0)).join('.'),
        spell(a * 2 ** 24 + b * 2 ** 16 + tail, styles[0] ?? 1),
        `${a}.${b}.${tail}`,
        `${a}.${b * 2 ** 16 + tail}`,
      ]
      for (const spelling of spellings)
        assert.equal(
          parseTarget(`https://${spelling}/`, false) !== null,
          isPublicAddress(dotted),
          spelling,
        )
      assert.equal(isPublicAddress(`::ffff:${dotted}`), false)
    }),
  )
})
