// SPDX-License-Identifier: LGPL-2.1-or-later
// Peers on the RTMP port that are not encoders, or bad ones: each is dealt with by itself, nobody else notices.
// Cases are named by the rows of the table in tests/README.md.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { besideGoodBroadcast, metric, privateMemory } from './support/hostile.mjs';
import { RtmpClient, amf, anyHost, basic, header, media, message, raw, type, u16, u24, u32 } from './support/rtmp.mjs';
import { sleep, until } from './support/wait.mjs';
import { settings } from './support/weir.mjs';

const MIB = 1024 * 1024;
const cases = [];
const add = (name, run, options = {}) => cases.push({ name, run, ...options });

/* the log says this about the client, sooner or later; unless so many strangers knocked that it leaves lines out */
const logged = (weir, client, pattern) =>
  weir.process.waitFor(new RegExp(`${client.local.replace(/\./g, '\\.')} .*${pattern.source}|were left out before`), 5);

/* it has been counted under this name, by whichever case */
const counted = (weir, reason) => until(`${reason} in the metrics`,
  async () => await metric(weir, `weir_refusals_total{reason="${reason}"}`) > 0, { seconds: 5 });

/* the client is closed within a few seconds, the log says why, and if the reason has a name it is counted */
async function closedFor(weir, client, pattern, seconds = 5) {
  const [name] = /rtmp-[a-z-]+/.exec(pattern.source) ?? [];
  await client.end(seconds);
  await logged(weir, client, pattern);
  if (name)
    await counted(weir, name);
}

/* likewise of a publisher, who is told first */
async function rejectedFor(weir, client, pattern, seconds = 5) {
  await client.until('a status', () => client.answers.some((a) =>
    a.name === 'onStatus' && a.values[3].code === 'NetStream.Publish.Rejected'), seconds);
  await closedFor(weir, client, pattern, seconds);
}

/* CPU seconds that the daemon has used */
const cpu = (weir) => {
  const fields = fs.readFileSync(`/proc/${weir.process.pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/* publishing to an input of its own */
async function publisher(weir, options) {
  const input = await weir.createInput();
  const client = await RtmpClient.publishing(weir, input, options);
  return { client, input };
}

const video = (client, payload, time = 0) => client.message(6, type.video, payload, { stream: 1, time });
const audio = (client, payload, time = 0) => client.message(4, type.audio, payload, { stream: 1, time });

/* an encoder that does everything right from here on, until its broadcast is live */
async function goesLive(weir, client, input) {
  await video(client, media.avcConfig);
  for (let i = 0; i < 80; i++) {
    for (let k = 0; k < 5; k++)
      await video(client, k === 0 && i % 5 === 0 ? media.keyframe() : media.frame(), (i * 5 + k) * 40);
    if ((await weir.lifecycle(input.uid)).state === 'live')
      return;
    assert.ok(!client.closed, `closed; ${client.said()}`);
    await sleep(100);
  }
  assert.fail(`not live: ${JSON.stringify(await weir.lifecycle(input.uid))}\n${weir.process.tail(5)}`);
}

/* ---- who knocks ---- */

add('R1: other protocols on the port are closed at once', async ({ weir }) => {
  for (const [first, hint] of [
    [Buffer.from([0xff]), /version 255/],
    [Buffer.from([0x16, 3, 1, 2, 0, 1, 0]), /TLS on the plain port/],
    [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /HTTP on the RTMP port/],
    [Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 1935\r\n'), /PROXY header/],
  ]) {
    const client = await RtmpClient.open(weir);
    await client.send(first);
    assert.ok(await client.end() < 2);
    assert.ok(client.bytes < 256, 'a few words at most to whoever does not speak RTMP');
    await logged(weir, client, hint);
  }
});

add('R2: a handshake of one byte a second has ten seconds in all', async ({ weir }) => {
  const client = await RtmpClient.open(weir);
  const drip = setInterval(() => client.send(Buffer.from([3])), 1000);
  const seconds = await client.end(25).finally(() => clearInterval(drip));
  assert.ok(seconds > 8, `closed after ${seconds} s`);
  await logged(weir, client, /no RTMP handshake in time/);
  await counted(weir, 'rtmp-handshake');
});

add('R4: who never sends C2 is closed in ten seconds', async ({ weir }) => {
  const client = await RtmpClient.open(weir);
  await client.send(Buffer.from([3]), Buffer.alloc(1536, 7));
  await client.until('S0, S1 and S2', () => client.bytes >= 3073);
  const seconds = await client.end(25);
  assert.ok(seconds > 8, `closed after ${seconds} s`);
});

add('R20: sound without a byte is no media', async ({ weir }) => {
  const { client } = await publisher(weir);
  const from = performance.now();
  const drip = setInterval(() => audio(client, Buffer.alloc(0)), 200);
  await client.end(25).finally(() => clearInterval(drip));
  const seconds = (performance.now() - from) / 1000;
  assert.ok(seconds > 8, `closed after ${seconds} s`);
  await logged(weir, client, /no media after publish \(rtmp-first-media\)/);
  await counted(weir, 'rtmp-first-media');
});

add('R3: a digest at the very end of C1 is looked for within it', async ({ weir }) => {
  for (const [from, sum] of [[8, 727], [772, 727], [8, 1020], [772, 1020]]) {
    const c1 = Buffer.alloc(1536, 0xff);
    c1.set([255, 255, Math.min(255, sum - 510), Math.max(0, sum - 765)], from);
    const client = await RtmpClient.open(weir);
    await client.send(Buffer.from([3]), c1, c1);
    client.command(0, 'connect', 1, { app: 'live' });
    await client.answer('_result');
    client.close();
  }
});

add('R24: connections that close without a byte leave nothing behind', async ({ weir }) => {
  const descriptors = () => fs.readdirSync(`/proc/${weir.process.pid}/fd`).length;
  const before = descriptors();
  const [, host, port] = /^(.*):(\d+)$/.exec(weir.address('rtmp'));
  for (let i = 0; i < 20; i++)
    await Promise.all(Array.from({ length: 25 }, (_, k) => new Promise((resolve) => {
      const socket = net.connect({ port: Number(port), host, localAddress: anyHost() });
      socket.on('error', resolve);
      socket.on('close', resolve);
      socket.on('connect', () => (k % 2 ? socket.end() : socket.resetAndDestroy()));
      socket.resume();
    })));
  await until(() => `descriptors: ${before} before, ${descriptors()} now`, () => descriptors() < before + 40);
});

/* ---- chunks ---- */

add('R5: chunks of a stream that never began end the connection', async ({ weir }) => {
  const client = await RtmpClient.shake(weir);
  const flood = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.concat([basic(3, 65599), Buffer.alloc(128)])));
  await client.send(flood);
  await closedFor(weir, client, /chunk stream 65599 begins with a header of type 3 \(rtmp-protocol-error\)/);
});

add('R6: chunk sizes that are no sizes end the connection, tiny ones the publishing', async ({ weir }) => {
  for (const size of [0, 0x80000001]) {
    const client = await RtmpClient.shake(weir);
    await client.message(2, type.setChunkSize, u32(size));
    await closedFor(weir, client, /Set Chunk Size of \d+ \(rtmp-protocol-error\)/);
  }
  /* cut short, it is ignored; beyond the longest message it is that */
  const client = await RtmpClient.shake(weir);
  await client.message(2, type.setChunkSize, u24(1));
  await client.setChunkSize(0x7fffffff);
  client.command(0, 'connect', 1, { app: 'live' });
  await client.answer('_result');
  client.close();

  const tiny = await RtmpClient.connected(weir);
  await tiny.setChunkSize(1);
  tiny.command(1, 'publish', 3, null, 'key');
  assert.match(await tiny.status('NetStream.Publish.Denied'), /chunk size/);
  await closedFor(weir, tiny, /rtmp-chunk-size/);

  const later = (await publisher(weir)).client;
  await later.setChunkSize(1);
  await rejectedFor(weir, later, /Set Chunk Size of 1 while publishing \(rtmp-chunk-size\)/);
});

add('R7: messages that are announced and do not come reserve little', async ({ weir }) => {
  const before = privateMemory(weir);
  const long = await RtmpClient.shake(weir);
  await long.send(...Array.from({ length: 60 }, (_, i) => Buffer.concat([header(i + 3, type.video, 0xffffff), Buffer.alloc(1)])));
  await closedFor(weir, long, /16777215 bytes.*\(rtmp-video-message\)/);

  const { client } = await publisher(weir, { chunkSize: 128 });
  for (let i = 0; i < 58; i++)
    await client.send(header(i + 4, type.video, 8 * MIB), Buffer.alloc(128));
  await client.settled();
  const grown = privateMemory(weir) - before;
  assert.ok(grown < 12 * MIB, `${grown} bytes for 58 chunks`);
  for (let i = 0; i < 20; i++)
    await client.send(header(i + 80, type.audio, 1), Buffer.alloc(1));
  await rejectedFor(weir, client, /more than 64 chunk streams \(rtmp-chunk-streams\)/);

  /* what does come is held up to 16 MiB */
  const many = (await publisher(weir)).client;
  for (let i = 0; i < 5; i++)
    await many.send(header(i + 10, type.video, 8 * MIB),
      ...Array.from({ length: 64 }, (_, k) => Buffer.concat([k ? basic(3, i + 10) : Buffer.alloc(0), Buffer.alloc(65536)])));
  await rejectedFor(weir, many, /partial messages of more than 16777216 bytes \(rtmp-partial-messages\)/);
});

add('R8: a length that changes in mid-message is borne three times a minute', async ({ weir }) => {
  const { client } = await publisher(weir);
  client.setChunkSize(64);
  for (let i = 0; i < 4; i++) {
    /* a chunk of 64 bytes of 1000, then a header of type 1 with another length */
    await client.send(header(9, type.audio, 1000, { stream: 1 }), Buffer.alloc(64));
    await client.send(basic(1, 9), u24(0), u24(4), Buffer.from([type.audio]), Buffer.from([0xaf, 1, 1, 1]));
    if (i === 2)
      await client.settled();
  }
  await rejectedFor(weir, client, /a header in mid-message once more \(rtmp-cut-off-messages\)/);
});

add('R9: what is to be aborted need not exist', async ({ weir }) => {
  const { client } = await publisher(weir);
  for (const id of [0, 5, 63, 65599, 0xffffffff])
    await client.message(2, type.abort, u32(id));
  await client.message(2, type.abort, u24(1));
  await client.settled();
  client.close();
});

add('R10: a window of one byte does not make an acknowledgement of each', async ({ weir }) => {
  for (const window of [0, 1]) {
    const { client } = await publisher(weir);
    await client.message(2, type.windowSize, u32(window));
    const before = client.bytes;
    for (let i = 0; i < 50; i++)
      await video(client, media.keyframe(20000), i * 40);
    await client.settled();
    const answered = client.bytes - before;
    assert.ok(answered > 300 && answered <= (50 * 20100 / 2500) * 16 + 200, `${answered} bytes of answers`);
    client.close();
  }
});

add('R11: pings are answered twice a second, a flood of them is cut', async ({ weir }) => {
  const { client } = await publisher(weir);
  const ping = message(2, type.userControl, Buffer.concat([u16(6), u32(1)]));
  const from = performance.now();
  const pongs = () => client.answers.filter((a) => a.type === type.userControl && a.payload.readUInt16BE(0) === 7).length;
  await client.send(...Array(4000).fill(ping));
  await client.until('some answers', () => pongs() >= 2);
  await sleep(500);
  const seconds = (performance.now() - from) / 1000;
  assert.ok(pongs() <= 2 + 2 * seconds, `${pongs()} answers in ${seconds} s`);
  await counted(weir, 'rtmp-pings-rate');
  await client.send(...Array(100000).fill(ping));
  await rejectedFor(weir, client, /more than 5000 messages a second \(rtmp-messages-rate\)/);
});

add('R20: messages without a byte are counted', async ({ weir }) => {
  for (const kind of [type.audio, type.video, type.data, 99]) {
    const { client } = await publisher(weir);
    /* one byte each: the header of type 3 repeats the message */
    await client.send(header(9, kind, 0, { stream: 1 }), Buffer.alloc(200000, 0xc9));
    await rejectedFor(weir, client, /\(rtmp-messages-rate\)/);
  }
});

/* ---- messages ---- */

add('R12: aggregates that lie are taken as far as they are true', async ({ weir }) => {
  const { client, input } = await publisher(weir);
  const sub = (kind, size, payload, time = 0, back = 0xdeadbeef) =>
    Buffer.concat([Buffer.from([kind]), u24(size), u24(time), Buffer.from([0, 0, 0, 0]), payload, u32(back)]);
  const aggregate = (...parts) => client.message(7, type.aggregate, Buffer.concat(parts), { stream: 1 });

  await video(client, media.avcConfig);
  await aggregate(sub(type.video, 0xffffff, media.frame()));
  await aggregate(sub(type.aggregate, 30, sub(type.video, 11, Buffer.alloc(11))));
  await aggregate(Buffer.from([9, 0]));
  await aggregate();
  await aggregate(sub(type.video, media.keyframe().length, media.keyframe()), sub(type.video, media.frame().length, media.frame(), 40));
  await client.settled();
  await goesLive(weir, client, input);
  /* an aggregate of nothing but empty ones: as many messages as bytes / 15 */
  await aggregate(...Array(100000).fill(sub(type.audio, 0, Buffer.alloc(0))));
  await rejectedFor(weir, client, /\(rtmp-messages-rate\)/);
});

const deep = (count) => raw(Buffer.concat(Array(count).fill(Buffer.from([3, 0, 1, 97]))));
const strange = {
  'objects in objects 10 000 deep': deep(10000),
  'arrays in arrays 10 000 deep': raw(Buffer.concat(Array(10000).fill(Buffer.from([10, 0, 0, 0, 1])))),
  'a strict array of 4294967295': raw(Buffer.from([10, 255, 255, 255, 255, 5])),
  'an ECMA array that claims 4294967295 members and has no end': raw(Buffer.from([8, 255, 255, 255, 255, 0, 1, 97, 5])),
  'a long string of 4294967295 bytes': raw(Buffer.from([12, 255, 255, 255, 255, 97])),
  'an object without its end': raw(Buffer.from([3, 0, 1, 97, 5])),
  'AMF 3 with an overlong integer': raw(Buffer.from([0x11, 4, 255, 255, 255, 255])),
  'a marker that does not exist': raw(Buffer.from([0x7f])),
  'ten thousand values': Array(10000).fill(null),
};

add('R13: values that lie about themselves cost their message, not the connection', async ({ weir }) => {
  const { client, input } = await publisher(weir);
  let transaction = 10;
  for (const [what, value] of Object.entries(strange)) {
    client.command(0, 'strange', ++transaction, value);
    const answer = await client.answer('_error');
    assert.equal(answer.values[1], transaction, what);
    assert.equal(answer.values[3].code, 'NetConnection.Call.Failed', what);
    await client.message(4, type.data, Buffer.concat([amf('@setDataFrame'), amf('onMetaData'), amf(value)]), { stream: 1 });
  }
  for (const reason of ['amf-depth', 'amf-values', 'rtmp-unreadable'])
    await counted(weir, reason);
  /* these can be read: a reference to oneself, a date, a typed object, names of any bytes */
  for (const value of [raw(Buffer.from([3, 0, 1, 97, 7, 0, 0, 0, 0, 9])), raw(Buffer.from([11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    raw(Buffer.from([16, 0, 1, 120, 0, 1, 97, 5, 0, 0, 9])), { 'a\0b\n\x1b[31m\u202e': 1 }]) {
    client.command(0, 'strange', ++transaction, value);
    assert.match((await client.answer('_error')).values[3].description, /not known/);
  }
  /* numbers that are none have no answer to be addressed by */
  for (const number of [NaN, Infinity])
    client.command(0, 'strange', number, null);
  client.command(0, 'strange', 1e308, null);
  assert.equal((await client.answer('_error')).values[1], 1e308);
  await goesLive(weir, client, input);
  client.close();
});

add('R13: what the peer says of itself is escaped in the log', async ({ weir }) => {
  const client = await RtmpClient.shake(weir);
  client.command(0, 'connect', 1, { app: 'a\nlevel=error forged\x1b[31m"\u202e\x00' });
  assert.match(await client.error('NetConnection.Connect.InvalidApp'), /"live"/);
  await closedFor(weir, client, /unknown application \\x22a\\x5cx0alevel=error forged|unknown application .*a.*x0alevel=error forged.*x1b/);
});

add('R16, R17: more than 64 KiB before publish, or in one command, is too much', async ({ weir }) => {
  const address = await RtmpClient.shake(weir);
  await address.setChunkSize(65536);
  await address.command(0, 'connect', 1, { app: 'live', tcUrl: 'rtmp://h/'.padEnd(MIB, 'a') });
  await closedFor(weir, address, /rtmp-data-message/);

  const codecs = await RtmpClient.shake(weir);
  await codecs.setChunkSize(65536);
  await codecs.command(0, 'connect', 1, { app: 'live', fourCcList: Array(100000).fill('av01') });
  await closedFor(weir, codecs, /rtmp-data-message/);

  const values = await RtmpClient.shake(weir);
  await values.command(0, 'connect', 1, { app: 'live', fourCcList: Array(5000).fill('av01') });
  await values.error('NetConnection.Call.Failed');
  await values.send(message(4, type.video, Buffer.alloc(60000)));
  await closedFor(weir, values, /too many bytes before publish \(rtmp-early-bytes\)/);
});

/* ---- commands ---- */

add('R14: names that are no keys are denied in the words of the protocol', async ({ weir, good }) => {
  const names = [7, '', 'a'.repeat(5000), '../../etc/x', 'a//', '%2e%2e%2f', '..\\', 'a\0b', 'key\r\nX: y', '..', '%00',
    'clé', { name: 'key' }];
  for (const name of names) {
    const client = await RtmpClient.connected(weir);
    await client.setChunkSize(65536);
    client.command(1, 'publish', 3, null, name, 'live');
    assert.ok((await client.status('NetStream.Publish.Denied')).length > 10);
    await client.end();
    assert.ok(client.seconds < 3);
  }
  /* those that could be keys are looked up by their digest, so that no part of a guess is worth more than another */
  const key = good.rtmp.streamKey;
  for (const guess of ['a//b', key.slice(0, -1), `${key}a`, key.toUpperCase(), good.uid]) {
    const client = await RtmpClient.connected(weir);
    client.command(1, 'publish', 3, null, guess, 'live');
    assert.match(await client.status('NetStream.Publish.Denied'), /not known/);
    await client.end();
  }
});

add('R14: publishing before connecting, and twice', async ({ weir }) => {
  const early = await RtmpClient.shake(weir);
  early.command(1, 'publish', 3, null, 'key', 'live');
  assert.match(await early.status('NetStream.Publish.Denied'), /Connect first/);
  await closedFor(weir, early, /rtmp-protocol-error/);

  const { client, input } = await publisher(weir);
  client.command(1, 'publish', 4, null, input.rtmp.streamKey, 'live');
  await client.status('NetStream.Publish.BadName');
  client.command(0, 'connect', 5, { app: 'live' });
  await client.error('NetConnection.Call.Failed');
  await goesLive(weir, client, input);
  client.close();
});

add('R15: streams are eight, others are not touched, and nobody can play', async ({ weir }) => {
  const client = await RtmpClient.connected(weir);
  for (let i = 0; i < 1000; i++)
    client.command(0, 'createStream', i + 2, null);
  await client.settled();
  const names = client.answers.filter((a) => a.type === type.command).map((a) => a.name);
  assert.equal(names.filter((name) => name === '_result').length, 8);
  assert.ok(names.filter((name) => name === '_error').length < 60);
  await counted(weir, 'rtmp-streams');
  await counted(weir, 'rtmp-commands-rate');
  client.close();

  const { client: other, input } = await publisher(weir);
  for (const id of [0, 2, 8, 9, 1e9, -1, NaN, 1.5])
    other.command(0, 'deleteStream', 0, null, id);
  other.command(1, 'play', 9, null, input.rtmp.streamKey);
  await other.status('NetStream.Play.StreamNotFound');
  await goesLive(weir, other, input);
  other.close();
});

add('R16: an address in connect is followed by nobody', async ({ weir }) => {
  for (const tcUrl of ['rtmp://169.254.169.254/live', 'rtmp://other.example/live', 'rtmp:', '', 'file:///etc/passwd', undefined, 7]) {
    const client = await RtmpClient.connected(weir, { app: 'live', tcUrl });
    client.close();
  }
  const none = await RtmpClient.shake(weir);
  none.command(0, 'connect', 1, {});
  await none.error('NetConnection.Connect.InvalidApp');
  await none.end();
});

/* ---- media ---- */

add('R18: bodies of any few bytes are dropped, and the stream goes on', async ({ weir }) => {
  const { client, input } = await publisher(weir);
  const bodies = [];
  for (const size of [0, 1, 2, 3, 4, 5])
    for (const first of [0x17, 0x27, 0x57, 0x00, 0xff, 0x12])
      bodies.push(Buffer.concat([Buffer.from([first]), Buffer.alloc(4)]).subarray(0, size));
  /* Enhanced RTMP: cut off at each byte, ModEx in ModEx, multitrack in multitrack with sizes that lie */
  const enhanced = Buffer.concat([Buffer.from([0x90]), Buffer.from('avc1'), media.avcConfig.subarray(5)]);
  for (let i = 1; i < enhanced.length - 1; i++)
    bodies.push(enhanced.subarray(0, i));
  bodies.push(Buffer.alloc(60000, 0x97), Buffer.concat([Buffer.from([0x96, 0x06]), Buffer.alloc(300, 0xff)]),
    Buffer.concat([Buffer.from([0x96, 0x10]), Buffer.from('avc1'), Buffer.from([0]), u24(0xffffff)]),
    Buffer.concat([Buffer.from([0x90]), Buffer.from('av01'), Buffer.from([0x81, 0, 0, 0, 0x0a, 0xff, 0xff])]),
    Buffer.concat([Buffer.from([0x91]), Buffer.from('vp09'), Buffer.alloc(20, 0xc7)]));
  for (const body of bodies) {
    await video(client, body);
    await audio(client, body);
  }
  await client.settled();
  await goesLive(weir, client, input);
  client.close();
});

const avcc = (sps, { lengthSize = 3, count = 1 } = {}) => Buffer.concat([Buffer.from([0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1f,
  0xfc | lengthSize, 0xe0 | count]), ...Array(count).fill(Buffer.concat([u16(sps.length), sps])),
Buffer.from([1, 0, 5, 0x68, 0xcb, 0x83, 0xcb, 0x20])]);

add('R19: configurations and frames that lie are dropped, and the stream goes on', async ({ weir }) => {
  const { client, input } = await publisher(weir);
  const sps = media.avcConfig.subarray(13, 13 + media.avcConfig.readUInt16BE(11));
  for (const record of [
    avcc(sps, { lengthSize: 2 }), avcc(Buffer.concat([Buffer.from([0x67]), Buffer.alloc(65534, 0xff)]), { count: 31 }),
    avcc(Buffer.from([0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 0])), avcc(Buffer.from([0x67, 0x42, 0xc0, 0x1f, ...Array(40).fill(0xff)])),
    avcc(Buffer.alloc(0)), avcc(sps, { count: 0 }), media.avcConfig.subarray(0, 20),
    Buffer.concat([media.avcConfig, Buffer.alloc(100000)]),
  ])
    await video(client, record);
  for (const config of [[0x17, 0x80], [0x17, 0x80, 0, 0, 0, 0], [0x11, 0x80], [0xff, 0xff], [0x57, 0x90], [0x12]])
    await audio(client, Buffer.from([0xaf, 0, ...config]));
  await client.settled();
  assert.notEqual((await weir.lifecycle(input.uid)).state, 'live');

  await video(client, media.avcConfig);
  for (const access of [[255, 255, 255, 255, 0x65], [0, 0, 0, 0], [0, 0, 0, 1, 14], [0, 0, 0, 1, 20], [0, 0, 0, 1, 21], [0, 0, 0, 2, 6, 255]])
    await video(client, Buffer.concat([Buffer.from([0x17, 1, 0, 0, 0]), Buffer.from(access)]));
  await video(client, Buffer.concat([Buffer.from([0x17, 1, 0, 0, 0]), u32(MIB), Buffer.from([6]), Buffer.alloc(MIB - 1, 255)]));
  await goesLive(weir, client, input);
  client.close();
});

add('R21: nothing but metadata at full speed is dropped beyond fifty a second', async ({ weir, good }) => {
  const { client } = await publisher(weir);
  const data = message(4, type.data, Buffer.concat([amf('@setDataFrame'), amf('onMetaData'), amf({ x: 'a'.repeat(50000) })]),
    { stream: 1, size: 65536 });
  const from = performance.now();
  let sent = 0;
  while (performance.now() - from < 2000 && !client.closed) {
    await client.send(data);
    sent++;
  }
  assert.ok(sent > 200, `only ${sent} messages`);
  await counted(weir, 'rtmp-metadata-rate');
  assert.ok(!client.closed);
  assert.equal((await weir.lifecycle(good.uid)).state, 'live');
  client.close();
});

add('R22: stamps at random are borne for a while', async ({ weir }) => {
  const { client } = await publisher(weir);
  await video(client, media.avcConfig);
  const before = cpu(weir);
  const from = performance.now();
  for (let i = 0; i < 4000 && !client.closed; i++)
    await video(client, media.keyframe(), Math.floor(Math.random() * 2 ** 32));
  await rejectedFor(weir, client, /\(rtmp-clock-jumps\)/);
  const seconds = (performance.now() - from) / 1000;
  const used = cpu(weir) - before;
  assert.ok(used < 0.5 * seconds + 1, `${used} s of CPU in ${seconds} s`);
});

add('R22: a second with each frame is read no faster than the clock goes', async ({ weir, good }) => {
  const { client } = await publisher(weir);
  await video(client, media.avcConfig);
  const before = cpu(weir);
  /* what the network takes by itself is the least of it */
  let sent = 0;
  const flood = (async () => {
    while (sent < 100000 && !client.closed)
      await video(client, media.keyframe(), sent++ * 1000);
  })();
  await counted(weir, 'rtmp-lead');
  const from = performance.now();
  const used = cpu(weir);
  await sleep(3000);
  assert.ok(!client.closed, 'it is slowed down, not closed');
  const seconds = (performance.now() - from) / 1000;
  assert.ok(cpu(weir) - used < 0.3 * seconds, `${cpu(weir) - used} s of CPU in ${seconds} s`);
  assert.ok(used - before < 1.5, `${used - before} s of CPU until it is held back`);
  assert.equal((await weir.lifecycle(good.uid)).state, 'live');
  client.close();
  await flood.catch(() => {});
});

add('R19: a configuration that changes with every frame ends the publishing', async ({ weir }) => {
  const { client, input } = await publisher(weir);
  await goesLive(weir, client, input);
  const other = Buffer.concat([media.avcConfig.subarray(0, 5),
    Buffer.from('014d401effe10018674d401eeca06c1ef37808800000030080000019078b16cb01000568ebe3cb20', 'hex')]);
  for (let i = 0; i < 400 && !client.closed; i++) {
    await video(client, i % 2 ? media.avcConfig : other, 20000 + i * 40);
    await video(client, media.keyframe(), 20000 + i * 40);
  }
  await closedFor(weir, client, /changes too often\. \(rtmp-configurations\)/);
});

add('R25: a publisher that reads nothing is heard all the same', async ({ weir }) => {
  const { client, input } = await publisher(weir);
  await client.message(2, type.windowSize, u32(1));
  client.socket.pause();
  for (let i = 0; i < 40; i++)
    await video(client, media.keyframe(60000), 0);
  await goesLive(weir, client, input);
  client.close();
});

/* ---- for longer ---- */

/* calls once(i) again and again for so long; each may fail as it likes */
async function again(seconds, once) {
  const end = performance.now() + seconds * 1000;
  for (let i = 0; performance.now() < end; i++)
    await once(i).catch(() => {});
}

const randomBytes = (size) => Buffer.from(Array.from({ length: size }, () => Math.floor(Math.random() * 256)));

add('R5: a minute of random bytes after the handshake, and while publishing', async ({ weir }) => {
  const input = await weir.createInput();
  await again(60, async (i) => {
    const client = i % 2 ? await RtmpClient.shake(weir) : await RtmpClient.publishing(weir, input);
    await client.send(randomBytes(3000));
    await sleep(20);
    client.close();
    await weir.waitForState(input.uid, ['idle', 'ended', 'ready', 'reconnecting']);
  });
}, { long: true });

add('R11: a minute of floods, by one who comes back each time', async ({ weir }) => {
  const input = await weir.createInput();
  const ping = message(2, type.userControl, Buffer.concat([u16(6), u32(1)]));
  await again(60, async (i) => {
    const client = await RtmpClient.publishing(weir, input);
    await client.send(...Array(20000).fill(i % 2 ? ping : header(9, type.audio, 0, { stream: 1 })));
    await client.end();
  });
}, { long: true });

add('R21: a minute of metadata as fast as it goes', async ({ weir }) => {
  const { client } = await publisher(weir);
  const data = message(4, type.data, Buffer.concat([amf('onMetaData'), amf({ x: 'a'.repeat(60000) })]), { stream: 1, size: 65536 });
  await again(60, async () => {
    await client.send(...Array(16).fill(data));
    /* and a frame now and then, so that it may stay */
    await video(client, media.frame());
  });
}, { long: true });

besideGoodBroadcast({ alone: 'hostile', seconds: settings.long ? 180 : 60, together: 6 }, cases);
