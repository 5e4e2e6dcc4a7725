// SPDX-License-Identifier: LGPL-2.1-or-later
// Who comes in: crowds, bursts from one address, proxies, a process that is out of descriptors.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { besideGoodBroadcast, metric } from './support/hostile.mjs';
import { makeReference } from './support/media.mjs';
import { run } from './support/process.mjs';
import { RtmpClient, keepSending } from './support/rtmp.mjs';
import { shared, test } from './support/test.mjs';
import { sleep, until } from './support/wait.mjs';
import { settings, Weir, withWeir } from './support/weir.mjs';

const tool = (name) => path.join(settings.build, 'tests/bench', name);
const refusals = (weir, reason) => metric(weir, `weir_refusals_total{reason="${reason}"}`);
const pending = (weir) => metric(weir, 'weir_pending_connections');

/* CPU time of the daemon so far, s */
function cpu(weir) {
  const stat = fs.readFileSync(`/proc/${weir.process.pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/* little to send: it is coming in that counts */
const clip = shared(() => makeReference(path.join(temporaryFolder('door'), 'small.flv'),
  { seconds: 10, video: { rate: '10', bframes: 0, gop: 10, size: '96x54' }, audio: false }));

async function makeInputs(weir, count) {
  const inputs = [];

  await Promise.all(Array.from({ length: 8 }, async () => {
    while (inputs.length < count)
      inputs.push(await weir.createInput());
  }));
  return inputs.slice(0, count);
}

/* as many encoders as there are inputs, all within two seconds; what the tool says */
async function publishAll(weir, inputs, seconds, ...options) {
  const [host, port] = weir.address(options.includes('--tls') ? 'rtmps' : 'rtmp').split(':');
  const { stdout } = await run(tool('bench-publisher'), [...options, await clip(), host, port, String(seconds),
    ...inputs.map((input) => `live/${input.rtmp.streamKey}`)], { seconds: seconds + 60, check: false });
  return JSON.parse(stdout);
}

async function assertNobodyWasRefused(weir) {
  for (const reason of ['authorise', 'authorisations', 'pending-connections', 'pending-connections-per-address',
    'connection-rate-per-address', 'rtmp-handshake'])
    assert.equal(await refusals(weir, reason), 0, reason);
}

/* ---- beside a good broadcast ---- */

const storm = (count, seconds, bound) => async ({ weir }) => {
  const inputs = await makeInputs(weir, count);
  const waits = [];
  let over = false;
  const viewer = (async () => {
    while (!over) {
      const begin = performance.now();
      await weir.text('/healthz');
      await weir.call('GET', '/live_inputs?per_page=1');
      waits.push(performance.now() - begin);
      await sleep(50);
    }
  })();
  const result = await publishAll(weir, inputs, seconds).finally(() => (over = true));
  await viewer;
  assert.equal(result.let_in, count, JSON.stringify(result));
  assert.equal(result.sending, count, JSON.stringify(result));
  assert.ok(result.let_in_longest_ms < bound * 1000, JSON.stringify(result));
  assert.ok(Math.max(...waits) < 5000, `the API answered after ${Math.max(...waits)} ms`);
  await assertNobodyWasRefused(weir);
  await until('nobody is at the door', async () => await pending(weir) === 0);
  /* and all leave at once: the good broadcast, which is judged next, is not to wait behind them */
  await until('all but the good one have ended', async () => await metric(weir, 'weir_live_broadcasts') === 1, { seconds: 90 });
};

const crowd = { seconds: 75, together: 1, growth: 256 * 1024 * 1024, longestPush: 0.5, lateness: 3 };

besideGoodBroadcast(crowd, [
  { name: '200 encoders that return within two seconds all get in', run: storm(200, 8, 8) },
  {
    name: '30 encoders behind one address that return at once all get in',
    async run({ weir }) {
      const result = await publishAll(weir, await makeInputs(weir, 30), 8, '--one-address');
      assert.equal(result.let_in, 30);
      assert.ok(result.let_in_longest_ms < 5000, JSON.stringify(result));
      await assertNobodyWasRefused(weir);
    },
  },
  {
    name: 'one address that hoards connections keeps nobody else out',
    async run({ weir }) {
      const input = await weir.createInput();
      const hoard = await Promise.all(Array.from({ length: 150 }, () => RtmpClient.open(weir, { from: '127.0.0.66' })));
      try {
        await until('those beyond the limit are closed', async () => hoard.filter((client) => client.closed).length >= 30);
        assert.ok(await metric(weir, 'weir_pending_connections{state="talking"}') <= 20);
        assert.ok(await metric(weir, 'weir_pending_connections{state="waiting"}') <= 100);
        assert.equal(await refusals(weir, 'pending-connections-per-address'), hoard.filter((client) => client.closed).length);
        const begin = performance.now();
        const client = await RtmpClient.publishing(weir, input, { from: '127.0.0.67' });
        assert.ok(performance.now() - begin < 3000);
        client.close();
      } finally {
        hoard.forEach((client) => client.close());
      }
      await until('nobody is at the door', async () => await pending(weir) === 0, { seconds: 30 });
    },
  },
  ...['fin', 'reset', 'byte'].map((how) => ({
    name: `10,000 connections a second that leave at once cost little (${how})`,
    async run({ weir }) {
      const before = cpu(weir);
      const [host, port] = weir.address('rtmp').split(':');
      const { stdout } = await run(tool('bench-knocker'), [host, port, '3', '10000', how]);
      const { connections } = JSON.parse(stdout);
      const cost = (cpu(weir) - before) / connections;
      assert.ok(connections > 3000, stdout);
      assert.ok(cost < 300e-6, `${cost * 1e6} µs of CPU a connection, ${stdout}`);
      await until('nobody is at the door', async () => await pending(weir) === 0);
      const lines = weir.process.output.split('\n').filter((line) => line.includes('127.2.')).length;
      assert.ok(lines < 60, `${lines} lines in the log`);
    },
  })),
]);

if (settings.long)
  besideGoodBroadcast({ ...crowd, seconds: 200, lateness: 15, growth: 2048 * 1024 * 1024 },
    [{ name: '1,000 encoders that return within two seconds all get in', run: storm(1000, 40, 40) }]);

test('1,000 encoders that return by TLS within two seconds all get in', { long: true, alone: true, seconds: 300 }, async () => {
  await withCertificate(async (weir) => {
    const result = await publishAll(weir, await makeInputs(weir, 1000), 40, '--tls');
    assert.equal(result.let_in, 1000, JSON.stringify(result));
    assert.equal(result.sending, 1000, JSON.stringify(result));
    await assertNobodyWasRefused(weir);
    /* ending them all takes longer than a daemon that is told to stop has here */
    await until('all have ended', async () => await metric(weir, 'weir_live_broadcasts') === 0, { seconds: 90 });
  });
});

/* ---- proxies ---- */

/* body(weir) with a daemon that has a certificate, and listens on RTMPS */
async function withCertificate(body, options = {}) {
  const folder = temporaryFolder('certificates');

  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '7',
    '-subj', '/CN=localhost', '-keyout', path.join(folder, 'default.key'), '-out', path.join(folder, 'default.crt')]);
  return withWeir({
    options: { 'rtmps.listen': '127.0.0.1:0', 'rtmps.certificates': folder, ...options },
  }, body);
}

const PROXY = '127.0.0.5';
const v1 = Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 56324 1935\r\n');
const v2 = Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
  Buffer.from([0x21, 0x21, 0, 36]), Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db8000000000000000000000002', 'hex'), Buffer.from([0xdc, 4, 7, 0x8f])]);

test('the client of a trusted proxy is the peer, with TLS and without', async () => {
  await withCertificate(async (weir) => {
    for (const [name, first, peer] of [['rtmp', v1, '192.0.2.1:56324'], ['rtmp', v2, '[2001:db8::1]:56324'],
      ['rtmps', v1, '192.0.2.1:56324'], ['rtmps', v2, '[2001:db8::1]:56324']]) {
      const input = await weir.createInput();
      const client = await RtmpClient.publishing(weir, input, { name, from: PROXY, first });
      const [line] = await weir.process.waitFor(new RegExp(`.*publishes: input=${input.uid}`));
      assert.ok(line.includes(` ${peer} `), line);
      client.close();
    }
    /* one that has to say who its client is, and does not */
    const silent = await RtmpClient.shake(weir, { from: PROXY });
    await silent.end(3);
    assert.equal(silent.bytes, 0);
    assert.equal(await refusals(weir, 'proxy-header'), 1);
    /* one that has no business with it */
    const stranger = await RtmpClient.open(weir, { from: '127.0.0.6', first: v1 });
    await stranger.end(3);
    assert.equal(stranger.bytes, 0);
    assert.equal(await refusals(weir, 'rtmp-protocol-error'), 1);
    /* and the others come as always */
    const own = await RtmpClient.publishing(weir, await weir.createInput(), { from: '127.0.0.6' });
    own.close();
  }, { 'rtmp.trusted-proxies': PROXY });
});

/* ---- reasons ---- */

test('who is not let in is counted by the reason', async () => {
  await withWeir({}, async (weir) => {
    const [used, disabled] = [await weir.createInput(), await weir.createInput({ enabled: false })];
    /* one that is silent would be taken over */
    const first = keepSending(await RtmpClient.publishing(weir, used));
    for (const [input, code, reason] of [
      [{ rtmp: { streamKey: 'nobody-has-this' } }, 'NetStream.Publish.Denied', 'unknown-key'],
      [disabled, 'NetStream.Publish.Denied', 'input-disabled'],
      [used, 'NetStream.Publish.BadName', 'in-use'],
    ]) {
      assert.equal(await refusals(weir, reason), 0);
      const client = await RtmpClient.connected(weir);
      client.command(0, 'createStream', 2, null);
      client.command(1, 'publish', 3, null, input.rtmp.streamKey, 'live');
      await client.status(code);
      client.close();
      assert.equal(await refusals(weir, reason), 1);
    }
    first.close();
  });
});

/* ---- descriptors ---- */

test('without descriptors the daemon waits without spinning, and goes on', { seconds: 90 }, async () => {
  const options = {
    'limits.pending-connections': 10000,
    'limits.pending-connections-per-address': 0,
    'limits.connection-rate-per-address': 0,
    'limits.http-connections': 20,
    'limits.rtmp-handshake': '60s',
  };
  await withWeir({ options, shell: 'ulimit -Sn 64; ulimit -Hn 160' }, async (weir) => {
    assert.equal(await metric(weir, 'weir_open_files_limit'), 160, 'the limit is raised to what is allowed');
    assert.match(weir.process.output, /may open 160 files; .*need/);
    const input = await weir.createInput();
    const clients = await Promise.all(Array.from({ length: 250 }, () => RtmpClient.open(weir)));
    /* viewers who cannot get in either */
    const viewers = Array.from({ length: 20 }, () => {
      const [host, port] = weir.address('http').split(':');
      const socket = net.connect({ host, port });
      socket.on('error', () => {});
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      return socket;
    });
    try {
      await weir.process.waitFor(/no connection can be accepted: Too many open files/);
      const before = cpu(weir);
      await sleep(4000);
      const spent = cpu(weir) - before;
      assert.ok(spent < 0.4, `${spent} s of CPU in 4 s`);
    } finally {
      clients.forEach((client) => client.close());
      viewers.forEach((socket) => socket.destroy());
    }
    const client = await RtmpClient.publishing(weir, input);
    client.close();
    assert.ok(await metric(weir, 'weir_open_files') < 100);
  });
});
