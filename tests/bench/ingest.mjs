// SPDX-License-Identifier: LGPL-2.1-or-later
// node tests/bench/ingest.mjs [--streams 40] [--seconds 30] [--pairs 5] [--build build] [--without-hls | --rtmps]
// node tests/bench/ingest.mjs --threads | --churn
//
// What taking streams in costs: N publishers in real time against Weir and against nginx with its RTMP module
// and HLS, in turns, so that a slow quarter of an hour of the machine meets both. Prints medians and spreads of
//   CPU seconds per gigabyte received, of the server's whole process tree
//   private memory per stream: with N streams minus with none, divided by N
//   threads with N streams
//   time from the publisher's connect to the first playlist with a segment, one stream alone
// and writes BUILD/bench/ingest.csv and BUILD/bench/ingest.svg.
//
// --without-hls: nginx a second time, which then only receives: a yardstick
// --rtmps: Weir with RTMP over TLS against Weir without TLS, instead of nginx
// --threads: threads and private memory of Weir with 1, 40 and 200 streams
// --churn: private memory of Weir before and after 1,000 connections

import fs from 'node:fs';
import path from 'node:path';
import { Authority } from '../e2e/support/certificates.mjs';
import { freePort, temporaryFolder } from '../e2e/support/folder.mjs';
import { churn, privateMemory } from '../e2e/support/memory.mjs';
import { Process, run } from '../e2e/support/process.mjs';
import { sleep, until } from '../e2e/support/wait.mjs';
import { settings, Weir } from '../e2e/support/weir.mjs';

const options = { streams: 40, seconds: 30, pairs: 5, build: 'build', 'without-hls': false, rtmps: false, threads: false, churn: false };
for (const args = process.argv.slice(2); args.length > 0;) {
  const name = args.shift().slice(2);
  if (typeof options[name] === 'boolean') {
    options[name] = true;
  } else if (name in options && args.length > 0) {
    options[name] = typeof options[name] === 'number' ? Number(args.shift()) : args.shift();
  } else {
    console.error('usage: node tests/bench/ingest.mjs [--streams N] [--seconds S] [--pairs P] [--build FOLDER]'
      + ' [--without-hls | --rtmps | --threads | --churn]');
    process.exit(2);
  }
}
settings.weir = path.resolve(options.build, 'app/weir');
const publisher = path.resolve(options.build, 'tests/bench/bench-publisher');
const out = path.resolve(options.build, 'bench');
fs.mkdirSync(out, { recursive: true });

const TICKS = 100; // of /proc/PID/stat, on every Linux of today
const SETTLE_SECONDS = 4;

/* 720p at 2.5 Mbit/s with 2 B-frames and a keyframe every 2 s, and AAC */
async function makeClip() {
  const file = path.join(out, 'clip.flv');
  if (!fs.existsSync(file)) {
    await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30',
      '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2',
      '-g', '60', '-keyint_min', '60', '-sc_threshold', '0', '-b:v', '2500k', '-minrate', '2500k', '-maxrate', '2500k',
      '-bufsize', '2500k', '-nal-hrd', 'cbr', '-c:a', 'aac', '-b:a', '128k', '-t', '20', '-f', 'flv', `${file}.part`],
    { seconds: 300 });
    fs.renameSync(`${file}.part`, file);
  }
  return file;
}

/* a process and all that descend from it */
function tree(root) {
  const parents = new Map();
  for (const name of fs.readdirSync('/proc').filter((n) => /^\d+$/.test(n))) {
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      /* it has ended */
    }
  }
  const found = [root];
  for (let i = 0; i < found.length; i++)
    for (const [pid, parent] of parents)
      if (parent === found[i])
        found.push(pid);
  return found;
}

function measure(root) {
  const sum = { cpu: 0, memory: 0, threads: 0 };
  for (const pid of tree(root)) {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    sum.cpu += fields.slice(11, 15).reduce((a, b) => a + Number(b), 0) / TICKS;
    sum.threads += Number(fields[17]);
    sum.memory += privateMemory(pid);
  }
  return sum;
}

async function startWeir(more, scheme) {
  const weir = await Weir.start({ options: { 'recording.mode': 'off', ...more } });
  const inputs = [];

  return {
    weir,
    pid: weir.process.pid,
    port: weir.address(scheme).split(':').pop(),
    async keys(n) {
      while (inputs.length < n)
        inputs.push(await weir.createInput({ recording: { mode: 'off' } }));
      return inputs.slice(0, n).map((input) => `live/${input.rtmp.streamKey}`);
    },
    playlist: (i) => `${weir.url}/${inputs[i].uid}/manifest/muxed.m3u8`,
    stop: () => weir.stop(),
  };
}

async function startNginx(hls) {
  const folder = temporaryFolder('nginx');
  const [rtmp, http] = [await freePort(), await freePort()];
  fs.mkdirSync(path.join(folder, 'hls'));
  fs.chmodSync(folder, 0o777);
  fs.chmodSync(path.join(folder, 'hls'), 0o777);
  fs.writeFileSync(path.join(folder, 'nginx.conf'), `load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
    daemon off; pid nginx.pid; error_log stderr error; worker_processes 1; events { worker_connections 1024; }
    rtmp { access_log off; server { listen 127.0.0.1:${rtmp}; chunk_size 4096;
      application live { live on; ${hls ? `hls on; hls_path ${folder}/hls; hls_fragment 2s; hls_playlist_length 12s;` : ''} } } }
    http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
      server { listen 127.0.0.1:${http}; root ${folder}/hls; } }`);
  const nginx = new Process('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', 'stderr']);
  await until('nginx answers', () => fetch(`http://127.0.0.1:${http}/`).then(() => true, () => false));

  return {
    pid: nginx.pid,
    port: String(rtmp),
    keys: async (n) => Array.from({ length: n }, (_, i) => `live/k${i}`),
    playlist: hls ? (i) => `http://127.0.0.1:${http}/k${i}.m3u8` : null,
    stop: () => nginx.stop('SIGQUIT', 5),
  };
}

async function startWeirRtmps() {
  const authority = await Authority.make(temporaryFolder('authority'));
  const folder = temporaryFolder('certificates');

  await authority.sign(folder, 'default', 'DNS:localhost,IP:127.0.0.1');
  return { ...await startWeir({ 'rtmps.listen': '127.0.0.1:0', 'rtmps.certificates': folder }, 'rtmps'), tls: true };
}

/* what is compared: { pid, port, tls, keys(n) → APP/KEY…, playlist(i) → URL or null, stop() } */
const servers = options.rtmps
  ? { weir: () => startWeir({}, 'rtmp'), rtmps: startWeirRtmps }
  : {
    weir: () => startWeir({}, 'rtmp'),
    nginx: () => startNginx(true),
    ...(options['without-hls'] ? { 'nginx-rtmp': () => startNginx(false) } : {}),
  };

const publish = (server, clip, seconds, keys) =>
  new Process(publisher, [...(server.tls ? ['--tls'] : []), clip, '127.0.0.1', server.port, String(seconds), ...keys]);

async function firstPlayable(server, clip) {
  if (server.playlist === null)
    return NaN;
  const keys = await server.keys(1);
  const begin = performance.now();
  const sender = publish(server, clip, 15, keys);

  await until('a first segment', async () => {
    const response = await fetch(server.playlist(0)).catch(() => null);
    return response?.ok && /#EXTINF/.test(await response.text());
  }, { seconds: 15, every: 20 });
  const ms = performance.now() - begin;
  await sender.stop();
  return ms / 1000;
}

async function one(name, clip) {
  const first = await servers[name]();
  const playable = await firstPlayable(first, clip);
  await first.stop();

  const server = await servers[name]();
  const keys = await server.keys(options.streams);
  await sleep(1000);
  const before = measure(server.pid);
  const sender = publish(server, clip, options.seconds + SETTLE_SECONDS, keys);
  await sleep(options.seconds * 1000);
  if (sender.code !== undefined)
    throw new Error(`${name}: the publisher ended early:\n${sender.tail()}`);
  const during = measure(server.pid);
  const code = await sender.exited;
  if (code !== 0)
    throw new Error(`${name}: the publisher failed (${code}):\n${sender.tail()}`);
  const after = measure(server.pid);
  const sent = JSON.parse(sender.stdout.trim().split('\n').pop());
  await server.stop();
  return {
    server: name,
    cpu_s_per_gb: (after.cpu - before.cpu) / (sent.bytes / 1e9),
    kib_per_stream: (during.memory - before.memory) / options.streams,
    threads: during.threads,
    playable_s: playable,
    sender_late_ms: sent.latest_ms,
  };
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const columns = [
  ['cpu_s_per_gb', 'CPU s/GB', 2], ['kib_per_stream', 'private KiB a stream', 0],
  ['threads', 'threads', 0], ['playable_s', 'first playable, s', 2], ['sender_late_ms', 'sender late, ms', 1],
];

function table(rows) {
  console.log(`\n${'median (least to most)'.padEnd(26)}${Object.keys(servers).map((n) => n.padStart(28)).join('')}`);
  for (const [key, title, digits] of columns) {
    const cells = Object.keys(servers).map((name) => {
      const values = rows.filter((row) => row.server === name).map((row) => row[key]);
      const show = (value) => Number.isNaN(value) ? '-' : value.toFixed(digits);
      return `${show(median(values))} (${show(Math.min(...values))} to ${show(Math.max(...values))})`.padStart(28);
    });
    console.log(title.padEnd(26) + cells.join(''));
  }
  const cost = (name) => median(rows.filter((row) => row.server === name).map((row) => row.cpu_s_per_gb));
  const [first, ...others] = Object.keys(servers);
  for (const name of others)
    console.log(`CPU per GB, ${first} to ${name}: ${(cost(first) / cost(name)).toFixed(2)}`);
}

function plot(rows) {
  const colours = { weir: '#1f9ad6', rtmps: '#0b5c86', nginx: '#8c9bad', 'nginx-rtmp': '#c3ccd6' };
  const shown = columns.slice(0, 4);
  const parts = shown.map(([key, title, digits], panel) => {
    const top = Math.max(...rows.map((row) => row[key])) * 1.15 || 1;
    const x0 = 30 + panel * 200;
    const y = (value) => 220 - 170 * value / top;
    const bars = Object.keys(servers).map((name, i) => {
      const values = rows.filter((row) => row.server === name).map((row) => row[key] || 0);
      const x = x0 + 5 + i * 55;
      return `<rect x="${x}" y="${y(median(values))}" width="46" height="${220 - y(median(values))}" fill="${colours[name]}"/>
        <line x1="${x + 23}" x2="${x + 23}" y1="${y(Math.min(...values))}" y2="${y(Math.max(...values))}" stroke="#222"/>
        <text x="${x + 23}" y="236" text-anchor="middle">${name}</text>
        <text x="${x + 23}" y="${y(Math.max(...values)) - 6}" text-anchor="middle" font-weight="bold">${median(values).toFixed(digits)}</text>`;
    });
    return `<text x="${x0 + 78}" y="28" text-anchor="middle">${title}</text><line x1="${x0}" x2="${x0 + 160}" y1="220" y2="220" stroke="#222"/>${bars.join('')}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="830" height="270" viewBox="0 0 830 270" font-family="sans-serif" font-size="13">
    <rect width="830" height="270" fill="#fff"/>${parts.join('')}
    <text x="415" y="260" text-anchor="middle" fill="#555">${options.streams} streams of 2.65 Mbit/s, ${options.pairs} pairs; bars: median, lines: least to most</text></svg>\n`;
}

/* Weir with 1, 40 and 200 streams */
async function threadsTable(clip) {
  console.log(`${'streams'.padStart(8)}${'threads'.padStart(10)}${'private KiB'.padStart(14)}${'a stream'.padStart(12)}`);
  for (const streams of [1, 40, 200]) {
    const server = await startWeir({}, 'rtmp');
    const keys = await server.keys(streams);
    const before = measure(server.pid);
    const sender = publish(server, clip, options.seconds, keys);

    await sleep((options.seconds - 2) * 1000);
    const during = measure(server.pid);
    await sender.exited;
    await server.stop();
    console.log(String(streams).padStart(8) + String(during.threads).padStart(10) + String(during.memory).padStart(14)
      + ((during.memory - before.memory) / streams).toFixed(0).padStart(12));
  }
}

async function churnTable(clip) {
  const server = await startWeir({ 'recording.timeout': '1s' }, 'rtmp');
  const { before, after } = await churn(server.weir, publisher, clip);

  await server.stop();
  console.log(`1,000 connections: ${before.memory} KiB and ${before.descriptors} descriptors before, `
    + `${after.memory} KiB and ${after.descriptors} descriptors after`);
}

const clip = await makeClip();
if (options.threads || options.churn) {
  await (options.threads ? threadsTable : churnTable)(clip);
  process.exit(0);
}
const rows = [];
console.log(`${options.streams} streams, ${options.seconds} s, ${options.pairs} pairs`);
for (let pair = 0; pair < options.pairs; pair++) {
  const order = Object.keys(servers);
  for (const name of pair % 2 ? order.reverse() : order) {
    const row = await one(name, clip);
    rows.push(row);
    console.log(`${pair + 1} ${name.padEnd(10)} ${columns.map(([key, title, digits]) => `${title} ${Number.isNaN(row[key]) ? '-' : row[key].toFixed(digits)}`).join('   ')}`);
  }
}
table(rows);
fs.writeFileSync(path.join(out, 'ingest.csv'),
  `${Object.keys(rows[0]).join(',')}\n${rows.map((row) => Object.values(row).join(',')).join('\n')}\n`);
fs.writeFileSync(path.join(out, 'ingest.svg'), plot(rows));
console.log(`\n${path.join(out, 'ingest.csv')}\n${path.join(out, 'ingest.svg')}`);
process.exit(0);
