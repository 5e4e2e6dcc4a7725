// SPDX-License-Identifier: LGPL-2.1-or-later
// node tests/bench/api.mjs [--inputs 10000] [--recordings 1000] [--requests 1000] [--build build]
//
// What the API costs with a store that is not empty: a daemon is filled through it with live inputs and with recordings, by publishing
// them, then asked one request after another over one connection, 1,000 times for each of
//   one live input; a page of 100 live inputs; one recording; a page of 100 recordings
// always other ones. Prints percentiles of the time until the answer has been read, and CPU time of the daemon for a request, and writes
// BUILD/bench/api.csv. --requests: fewer or more of them

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { media, RtmpClient, type } from '../e2e/support/rtmp.mjs';
import { until } from '../e2e/support/wait.mjs';
import { settings, Weir } from '../e2e/support/weir.mjs';

const options = { inputs: 10_000, recordings: 1_000, requests: 1_000, build: 'build' };
for (const args = process.argv.slice(2); args.length > 0;) {
  const name = args.shift().slice(2);
  if (!(name in options) || args.length === 0) {
    console.error('usage: node tests/bench/api.mjs [--inputs N] [--recordings N] [--requests N] [--build FOLDER]');
    process.exit(2);
  }
  options[name] = typeof options[name] === 'number' ? Number(args.shift()) : args.shift();
}
settings.weir = path.resolve(options.build, 'app/weir');
const out = path.resolve(options.build, 'bench');
fs.mkdirSync(out, { recursive: true });

const PAGE = 100;
const TOGETHER = 32;
const MS_PER_TICK = 10; // of /proc/PID/stat, on every Linux of today
const RECORDED_FRAMES = 100;
const FRAME_MS = 40;

/* body(i) for each i, so many of them at once */
async function forEach(count, body) {
  let next = 0;
  await Promise.all(Array.from({ length: TOGETHER }, async () => {
    while (next < count)
      await body(next++);
  }));
}

/* 4 s of pictures and sound, all at once */
async function record(weir, input) {
  const client = await RtmpClient.publishing(weir, input);
  const message = (kind, body, time) => client.message(kind === type.video ? 6 : 4, kind, body, { stream: 1, time });

  message(type.video, media.avcConfig, 0);
  message(type.audio, media.aacConfig, 0);
  for (let i = 0; i < RECORDED_FRAMES; i++) {
    message(type.video, i % 50 === 0 ? media.keyframe() : media.frame(), i * FRAME_MS);
    message(type.audio, media.sound, i * FRAME_MS);
  }
  await client.settled(30);
  await client.command(0, 'deleteStream', 7, null, 1);
  await client.status('NetStream.Unpublish.Success');
  client.close();
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/* the body of an answer that must be good */
function get(weir, where) {
  return new Promise((resolve, reject) => {
    http.get(`${weir.url}/client/v4/accounts/${weir.account}/stream${where}`,
      { agent, headers: { Authorization: `Bearer ${weir.token}` } }, (response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('end', () => (response.statusCode === 200 ? resolve(Buffer.concat(pieces)) : reject(new Error(`${where}: ${response.statusCode}`))));
      }).on('error', reject);
  });
}

function cpuMs(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

const percentile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];

/* next(i): where the i-th request goes */
async function measure(weir, name, next) {
  const times = [];
  let bytes = 0;

  for (let i = 0; i < 50; i++)
    await get(weir, next(i));
  const before = cpuMs(weir.process.pid);
  for (let i = 0; i < options.requests; i++) {
    const begin = performance.now();
    bytes += (await get(weir, next(i))).length;
    times.push(performance.now() - begin);
  }
  const cpu = (cpuMs(weir.process.pid) - before) * 1000 / options.requests;
  times.sort((a, b) => a - b);
  return { name, p50: percentile(times, 0.5), p90: percentile(times, 0.9), p99: percentile(times, 0.99), cpu, bytes: bytes / options.requests };
}

/* the beginnings of all pages of a list, as parameters */
async function pages(weir, list, entries) {
  const found = [''];
  for (;;) {
    const { result } = JSON.parse(await get(weir, `${list}?limit=${PAGE}${found.at(-1)}`));
    const page = entries(result);
    if (page.length < PAGE)
      return found.length > 1 ? found.slice(0, -1) : found;
    found.push(`&before=${encodeURIComponent(page.at(-1).created)}`);
  }
}

function table(rows) {
  console.log(`\n${''.padEnd(28)}${['p50, ms', 'p90, ms', 'p99, ms', 'CPU, µs', 'bytes'].map((title) => title.padStart(10)).join('')}`);
  for (const { name, p50, p90, p99, cpu, bytes } of rows)
    console.log(name.padEnd(28) + [p50.toFixed(2), p90.toFixed(2), p99.toFixed(2), cpu.toFixed(0), bytes.toFixed(0)].map((cell) => cell.padStart(10)).join(''));
}

const weir = await Weir.start({ options: { 'recording.clean-stop-timeout': '1s' } });
const uids = [];
const begin = performance.now();
const took = () => `${((performance.now() - begin) / 1000).toFixed(0)} s`;

await forEach(options.inputs - Math.min(options.inputs, options.recordings), async (i) => {
  uids.push((await weir.createInput({ meta: { name: `camera ${i}`, site: `site ${i % 100}` } })).uid);
});
await forEach(Math.min(options.inputs, options.recordings), async (i) => {
  const input = await weir.createInput({ meta: { name: `event ${i}` }, recording: { mode: 'automatic' } });
  uids.push(input.uid);
  await record(weir, input);
});
await until('all recordings', async () => (await weir.api('GET', '?type=live')).length === 0, { seconds: 60 });
const recordings = (await pages(weir, '', (result) => result)).map((where) => `?limit=${PAGE}${where}`);
const inputs = (await pages(weir, '/live_inputs', (result) => result.liveInputs)).map((where) => `/live_inputs?limit=${PAGE}${where}`);
const videos = (await weir.api('GET', '')).map(({ uid }) => uid);
console.log(`${uids.length} live inputs, ${videos.length} recordings after ${took()}; ${options.requests} requests of each kind, one after another`);

/* steps through all of them far apart */
const each = (list) => (i) => list[i * 7919 % list.length];
const rows = [
  await measure(weir, 'one live input', (i) => `/live_inputs/${each(uids)(i)}`),
  await measure(weir, `${PAGE} live inputs`, each(inputs)),
  await measure(weir, 'one recording', (i) => `/${each(videos)(i)}`),
  await measure(weir, `${PAGE} recordings`, each(recordings)),
];
table(rows);
fs.writeFileSync(path.join(out, 'api.csv'), `${Object.keys(rows[0]).join(',')}\n${rows.map((row) => Object.values(row).join(',')).join('\n')}\n`);
console.log(`\n${path.join(out, 'api.csv')}`);
process.exit(await weir.stop());
