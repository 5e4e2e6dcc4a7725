// SPDX-License-Identifier: LGPL-2.1-or-later
// Peers on the RTMP port that are not encoders, or bad ones: each is dealt with by itself, nobody else notices.
// The names of the cases stand in tests/README.md, with what becomes of each.

import assert from 'node:assert/strict';
import { besideGoodBroadcast } from './support/hostile.mjs';
import { RtmpClient, amf, basic, header, media, message, raw, type, u16, u24, u32 } from './support/rtmp.mjs';
import { sleep } from './support/wait.mjs';

const cases = [];
const add = (name, run, options = {}) => cases.push({ name, run, ...options });

/* the log says this about the client, sooner or later */
const logged = (weir, client, pattern) =>
  weir.process.waitFor(new RegExp(`from ${client.local.replace(/\./g, '\\.')} .*${pattern.source}`), 5);

/* ---- who knocks ---- */

add('other protocols on the port are closed at once', async ({ weir }) => {
  for (const [first, hint] of [
    [Buffer.from([0xff]), /version 255/],
    [Buffer.from([0x16, 3, 1, 2, 0, 1, 0]), /TLS on the plain port/],
    [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /HTTP on the RTMP port/],
    [Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 1935\r\n'), /PROXY header/],
  ]) {
    const client = await RtmpClient.open(weir);
    await client.send(first);
    assert.ok(await client.end() < 2);
    assert.equal(client.bytes, 0, 'nothing is said to whoever does not speak RTMP');
    await logged(weir, client, hint);
  }
});

add('a handshake of one byte a second has ten seconds in all', async ({ weir }) => {
  const client = await RtmpClient.open(weir);
  const drip = setInterval(() => client.send(Buffer.from([3])), 1000);
  const seconds = await client.end(12).finally(() => clearInterval(drip));
  assert.ok(seconds > 8 && seconds < 11.5, `closed after ${seconds} s`);
  await logged(weir, client, /no RTMP handshake in time/);
});

add('who never sends C2 is closed in ten seconds', async ({ weir }) => {
  const client = await RtmpClient.open(weir);
  await client.send(Buffer.from([3]), Buffer.alloc(1536, 7));
  await client.until('S0, S1 and S2', () => client.bytes >= 3073);
  const seconds = await client.end(12);
  assert.ok(seconds > 8 && seconds < 11.5, `closed after ${seconds} s`);
});

add('a digest at the very end of C1 is looked for within it', async ({ weir }) => {
  for (const at of [8, 772]) {
    const c1 = Buffer.alloc(1536, 0xff);
    c1.fill(0xff, at, at + 4);
    const client = await RtmpClient.open(weir);
    await client.send(Buffer.from([3]), c1, c1);
    client.command(0, 'connect', 1, { app: 'live' });
    await client.answer('_result');
    client.close();
  }
});

/* ---- chunks ---- */

add('chunks of a stream that never began end the connection', async ({ weir }) => {
  const client = await RtmpClient.shake(weir);
  const flood = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.concat([basic(3, 65599), Buffer.alloc(128)])));
  await client.send(flood);
  assert.ok(await client.end() < 3);
  await logged(weir, client, /chunk stream 65599 begins with a header of type 3/);
});

besideGoodBroadcast({ seconds: 45 }, cases);
