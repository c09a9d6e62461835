import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { median } from '../median.ts'
import { startLatchkey, untilUp } from './latchkey.ts'
import {
  cpuSeconds,
  endAll,
  freePort,
  machineSeconds,
  quiet,
  residentMegabytes,
  start,
} from './processes.ts'

/**
 * `npm run bench:gateway`: the gateway with all of its path on, beside nginx, a bare Node proxy and,
 * with PORTKEY=<path of its start-server.js>, Portkey. One stub model server behind all of them.
 *
 * The proxy under test has core 0, stub and load core 1. Shared machines drift by a factor of two
 * within minutes, so each sample is preceded by one second of nginx and only the ratio of the pair
 * is compared. Samples during which others used more than 0.15 of a core count only when no round
 * was quieter. ROUNDS (5) and SECONDS (3) may be set.
 */
const rounds = Number(process.env.ROUNDS ?? 5)
const seconds = Number(process.env.SECONDS ?? 3)
/** Node compiles while it serves; a young process measures its compiler. */
const warmSeconds = 10
const keyCount = 256
const noisyAbove = 0.15
const here = import.meta.dirname

type Sample = {
  requestsPerCpuSecond: number
  requestsPerSecond: number
  p50Us: number
  p99Us: number
  p50AloneUs: number
  ofNginx: number
  aloneAboveNginxUs: number
  errors: number
  others: number
  megabytes: number
}
type Candidate = { name: string; port: number; pid: number; keysFile: string; samples: Sample[] }

const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-nginx-'))
mkdirSync(join(folder, 'logs'))

function nginx(name: string, port: number, core: number, location: string): number {
  const file = join(folder, `${name}.conf`)
  writeFileSync(
    file,
    `worker_processes 1; pid ${folder}/${name}.pid; error_log stderr crit; daemon off;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; client_body_buffer_size 64k;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream model { server 127.0.0.1:${stubPort}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port} backlog=2048; ${location} }
}`,
  )
  return start(core, ['nginx', '-p', folder, '-c', file])
}

const answer = JSON.stringify({
  id: 'chatcmpl-bench0000000000000000000000',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'stub-1',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content:
          'The quick brown fox jumps over the lazy dog while the model server pretends to think about the question it was given, and then answers with a sentence of ordinary length.',
        refusal: null,
      },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 42, completion_tokens: 36, total_tokens: 78 },
})

const stubPort = await freePort()
const stub = `http://127.0.0.1:${stubPort}`
const stubPid = nginx(
  'stub',
  stubPort,
  1,
  `location / { default_type application/json; return 200 '${answer}'; }`,
)
await untilUp(stub)

type Load = { requests: number; us: number; p50: number; p99: number; errors: number }

async function wrk(candidate: Candidate, connections: number, forSeconds: number): Promise<Load> {
  const child = spawn(
    'taskset',
    ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${forSeconds}s`, '--latency']
      .concat(['-s', join(here, 'wrk.lua')])
      .concat(`http://127.0.0.1:${candidate.port}/v1/chat/completions`),
    { env: { ...process.env, KEYS_FILE: candidate.keysFile, STUB: stub } },
  )
  let out = ''
  child.stdout.on('data', (data) => {
    out += String(data)
  })
  await new Promise((resolve) => child.on('close', resolve))
  const json = /JSON (.*)/.exec(out)?.[1]
  if (!json) throw new Error(`wrk said: ${out}`)
  const said = JSON.parse(json) as Record<string, number>
  return {
    requests: said.requests ?? 0,
    us: said.us ?? 1,
    p50: said.p50 ?? 0,
    p99: said.p99 ?? 0,
    errors: (said.non2xx ?? 0) + (said.sockets ?? 0),
  }
}

const plainKeys = join(folder, 'plain-keys')
writeFileSync(plainKeys, 'sk-bench-0\n')
const candidates: Candidate[] = []
const add = (name: string, port: number, pid: number, keysFile = plainKeys) => {
  candidates.push({ name, port, pid, keysFile, samples: [] })
}

const nginxPort = await freePort()
add(
  'nginx, one worker, kept-alive upstream',
  nginxPort,
  nginx(
    'proxy',
    nginxPort,
    0,
    'location / { proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; }',
  ),
)
const gatewayPort = await freePort()
const gateway = await startLatchkey(0, gatewayPort, stub, keyCount)
const gatewayKeys = join(folder, 'gateway-keys')
writeFileSync(gatewayKeys, `${gateway.secrets.join('\n')}\n`)
add('Latchkey: keys, limits, budget, durable metering', gatewayPort, gateway.pid, gatewayKeys)
const barePort = await freePort()
add(
  'bare Node proxy: node:http and Agent, no work of its own',
  barePort,
  start(0, [process.execPath, join(here, 'bare-proxy.ts')], {
    PORT: String(barePort),
    UPSTREAM_PORT: String(stubPort),
  }),
)
if (process.env.PORTKEY) {
  const port = await freePort()
  add(
    'Portkey',
    port,
    start(0, [process.execPath, process.env.PORTKEY, '--headless', `--port=${port}`], {
      NODE_ENV: 'production',
    }),
  )
}
const reference = candidates[0] as Candidate
for (const candidate of candidates) {
  await untilUp(`http://127.0.0.1:${candidate.port}/healthz`)
  await wrk(candidate, 64, warmSeconds)
}

async function sample(candidate: Candidate): Promise<Sample> {
  await quiet(4_000)
  const before = cpuSeconds(reference.pid)
  const pair = await wrk(reference, 64, 1)
  const pairCost = (cpuSeconds(reference.pid) - before) / pair.requests
  const pairAlone = await wrk(reference, 1, 1)

  const machine = machineSeconds()
  const [cpu, stubCpu, own] = [cpuSeconds(candidate.pid), cpuSeconds(stubPid), ownChildren()]
  const began = performance.now()
  const load = await wrk(candidate, 64, seconds)
  const took = (performance.now() - began) / 1_000
  const used = cpuSeconds(candidate.pid) - cpu
  const others =
    (machineSeconds() - machine - used - (cpuSeconds(stubPid) - stubCpu) - (ownChildren() - own)) /
    took
  const alone = await wrk(candidate, 1, 1)
  return {
    requestsPerCpuSecond: load.requests / used,
    requestsPerSecond: (load.requests / load.us) * 1e6,
    p50Us: load.p50,
    p99Us: load.p99,
    p50AloneUs: alone.p50,
    ofNginx: pairCost / (used / load.requests),
    aloneAboveNginxUs: alone.p50 - pairAlone.p50,
    errors: load.errors,
    others,
    megabytes: residentMegabytes(candidate.pid),
  }
}

/** CPU time of this script and of the wrk runs it has waited for. */
function ownChildren(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? []
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0)
  return ticks / 100
}

for (let round = 0; round < rounds; round++)
  for (const candidate of candidates) {
    const one = await sample(candidate)
    candidate.samples.push(one)
    console.error(
      `${round + 1}/${rounds}`,
      candidate.name.slice(0, 24).padEnd(24),
      `${Math.round(one.requestsPerCpuSecond)}/cpu-s`,
      `of nginx ${one.ofNginx.toFixed(3)}`,
      `p50 ${one.p50Us} p99 ${one.p99Us} µs`,
      `others ${one.others.toFixed(2)}`,
      one.errors > 0 ? `ERRORS ${one.errors}` : '',
    )
  }
await endAll()

/** Of an even number of values the mean of the middle two. */
const counted = (candidate: Candidate) => {
  const calm = candidate.samples.filter((one) => one.others <= noisyAbove)
  return calm.length > 0 ? calm : candidate.samples
}
const figure = (candidate: Candidate, name: keyof Sample) =>
  median(counted(candidate).map((one) => one[name]))

const version = (command: string, ...args: string[]) => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      .split('\n')[0]
      ?.trim()
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? '')
      .split('\n')[0]
      ?.trim()
  }
}
const say = (line = '') => process.stdout.write(`${line}\n`)
say(`Machine: ${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB`)
say(
  `Versions: Node ${process.version}, ${version('wrk', '--version')?.split(' [')[0]}, ${version('sh', '-c', 'nginx -v 2>&1')}`,
)
say(
  `Command: ROUNDS=${rounds} SECONDS=${seconds} npm run bench:gateway; wrk -t1 -c64 (and -c1), ${keyCount} keys`,
)
say()
say(
  '| path | requests per CPU-second | share of nginx (paired) | p50 at 64 µs | p99 at 64 µs | p50 alone µs | above nginx alone µs | RSS MB | errors | quiet samples |',
)
say('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |')
for (const candidate of candidates) {
  const row = [
    Math.round(figure(candidate, 'requestsPerCpuSecond')),
    candidate === reference ? '1' : figure(candidate, 'ofNginx').toFixed(3),
    Math.round(figure(candidate, 'p50Us')),
    Math.round(figure(candidate, 'p99Us')),
    Math.round(figure(candidate, 'p50AloneUs')),
    candidate === reference ? '–' : Math.round(figure(candidate, 'aloneAboveNginxUs')),
    Math.round(figure(candidate, 'megabytes')),
    candidate.samples.reduce((sum, one) => sum + one.errors, 0),
    `${candidate.samples.filter((one) => one.others <= noisyAbove).length}/${candidate.samples.length}`,
  ]
  say(`| ${candidate.name} | ${row.join(' | ')} |`)
}
const portkey = candidates.find((candidate) => candidate.name === 'Portkey')
if (portkey) {
  const ours = candidates[1] as Candidate
  const times = figure(ours, 'ofNginx') / figure(portkey, 'ofNginx')
  say()
  say(`Latchkey serves ${times.toFixed(1)} × Portkey's requests per CPU-second (paired by nginx).`)
}
