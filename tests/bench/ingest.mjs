// SPDX-License-Identifier: LGPL-2.1-or-later
// node tests/bench/ingest.mjs [--streams 40] [--seconds 30] [--pairs 5] [--build build]
//
// What taking streams in costs: N publishers in real time against Weir and against nginx with its RTMP module
// and HLS, in turns, so that a slow quarter of an hour of the machine meets both. Prints medians and spreads of
//   CPU seconds per gigabyte received, of the server's whole process tree
//   private memory per stream: with N streams minus with none, divided by N
//   threads with N streams
//   time from the publisher's connect to the first playlist with a segment, one stream alone
// and writes BUILD/bench/ingest.csv and BUILD/bench/ingest.svg.

import fs from 'node:fs';
import path from 'node:path';
import { freePort, temporaryFolder } from '../e2e/support/folder.mjs';
import { Process, run } from '../e2e/support/process.mjs';
import { sleep, until } from '../e2e/support/wait.mjs';
import { settings, Weir } from '../e2e/support/weir.mjs';

const options = { streams: 40, seconds: 30, pairs: 5, build: 'build' };
for (let args = process.argv.slice(2); args.length > 0; args.splice(0, 2)) {
  const name = args[0].slice(2);
  if (!(name in options) || args[1] === undefined) {
    console.error('usage: node tests/bench/ingest.mjs [--streams N] [--seconds S] [--pairs P] [--build FOLDER]');
    process.exit(2);
  }
  options[name] = typeof options[name] === 'number' ? Number(args[1]) : args[1];
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
    for (const [, kib] of fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm))
      sum.memory += Number(kib);
  }
  return sum;
}

/* the two servers: { pid, port, keys(n) → APP/KEY…, playlist(i) → URL, stop() } */
const servers = {
  async weir() {
    const weir = await Weir.start({ options: { 'recording.mode': 'off' } });
    const inputs = [];

    return {
      pid: weir.process.pid,
      port: weir.address('rtmp').split(':').pop(),
      async keys(n) {
        while (inputs.length < n)
          inputs.push(await weir.createInput({ recording: { mode: 'off' } }));
        return inputs.slice(0, n).map((input) => `live/${input.rtmp.streamKey}`);
      },
      playlist: (i) => `${weir.url}/${inputs[i].uid}/manifest/muxed.m3u8`,
      stop: () => weir.stop(),
    };
  },
  async nginx() {
    const folder = temporaryFolder('nginx');
    const [rtmp, http] = [await freePort(), await freePort()];
    fs.mkdirSync(path.join(folder, 'hls'));
    fs.chmodSync(folder, 0o777);
    fs.chmodSync(path.join(folder, 'hls'), 0o777);
    fs.writeFileSync(path.join(folder, 'nginx.conf'), `load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
      daemon off; pid nginx.pid; error_log stderr error; worker_processes 1; events { worker_connections 1024; }
      rtmp { access_log off; server { listen 127.0.0.1:${rtmp}; chunk_size 4096;
        application live { live on; hls on; hls_path ${folder}/hls; hls_fragment 2s; hls_playlist_length 12s; } } }
      http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
        server { listen 127.0.0.1:${http}; root ${folder}/hls; } }`);
    const nginx = new Process('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', 'stderr']);
    await until('nginx answers', () => fetch(`http://127.0.0.1:${http}/`).then(() => true, () => false));

    return {
      pid: nginx.pid,
      port: String(rtmp),
      keys: async (n) => Array.from({ length: n }, (_, i) => `live/k${i}`),
      playlist: (i) => `http://127.0.0.1:${http}/k${i}.m3u8`,
      stop: () => nginx.stop('SIGQUIT', 5),
    };
  },
};

async function firstPlayable(server, clip) {
  const keys = await server.keys(1);
  const begin = performance.now();
  const sender = new Process(publisher, [clip, '127.0.0.1', server.port, '15', ...keys]);

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
  const sender = new Process(publisher, [clip, '127.0.0.1', server.port, String(options.seconds + SETTLE_SECONDS), ...keys]);
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
      const show = (value) => value.toFixed(digits);
      return `${show(median(values))} (${show(Math.min(...values))} to ${show(Math.max(...values))})`.padStart(28);
    });
    console.log(title.padEnd(26) + cells.join(''));
  }
}

function plot(rows) {
  const colours = { weir: '#1f9ad6', nginx: '#8c9bad' };
  const shown = columns.slice(0, 4);
  const parts = shown.map(([key, title, digits], panel) => {
    const top = Math.max(...rows.map((row) => row[key])) * 1.15 || 1;
    const x0 = 30 + panel * 200;
    const y = (value) => 220 - 170 * value / top;
    const bars = Object.keys(servers).map((name, i) => {
      const values = rows.filter((row) => row.server === name).map((row) => row[key]);
      const x = x0 + 20 + i * 70;
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

const clip = await makeClip();
const rows = [];
console.log(`${options.streams} streams, ${options.seconds} s, ${options.pairs} pairs`);
for (let pair = 0; pair < options.pairs; pair++) {
  const order = Object.keys(servers);
  for (const name of pair % 2 ? order.reverse() : order) {
    const row = await one(name, clip);
    rows.push(row);
    console.log(`${pair + 1} ${name.padEnd(6)} ${columns.map(([key, title, digits]) => `${title} ${row[key].toFixed(digits)}`).join('   ')}`);
  }
}
table(rows);
fs.writeFileSync(path.join(out, 'ingest.csv'),
  `${Object.keys(rows[0]).join(',')}\n${rows.map((row) => Object.values(row).join(',')).join('\n')}\n`);
fs.writeFileSync(path.join(out, 'ingest.svg'), plot(rows));
console.log(`\n${path.join(out, 'ingest.csv')}\n${path.join(out, 'ingest.svg')}`);
process.exit(0);
