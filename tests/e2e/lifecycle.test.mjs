// SPDX-License-Identifier: LGPL-2.1-or-later
// Connections come and go, a broadcast goes on; inputs and daemons end in order.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { countSegments, recordedPlaylists } from './support/hls.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { Viewer } from './support/restart.mjs';
import { keepSending, media, RtmpClient } from './support/rtmp.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { sharedWeir, Weir, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('lifecycle');
const daemon = sharedWeir({ options: { 'recording.timeout': '4s' } });
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 30 }));
const wide = shared(() => makeReference(path.join(folder, 'wide.flv'), { seconds: 30, video: { size: '480x270' } }));

const publish = publishers.ffmpeg;

/* the recording's media playlists, video first, and the decode times at which each segment begins */
async function recording(weir, uid) {
  const lists = [];
  for (const { list } of await recordedPlaylists(weir, uid)) {
    /* the last one before a break may be too short for both tracks */
    for (const segment of list.segments.filter((s) => !s.gap)) {
      const bytes = await weir.bytes(segment.uri);
      assert.ok(bytes !== null, `${segment.uri} is listed and cannot be had`);
      const at = bytes.indexOf('tfdt');
      assert.ok(at > 0, `${segment.uri} has no decode time`);
      segment.time = bytes.readBigUInt64BE(at + 8);
    }
    lists.push(list);
  }
  return lists;
}

const ended = (weir, input) => weir.waitForState(input.uid, ['idle', 'ended', 'ready'], 20);

const moreSegments = (weir, input, count) => until(`more than ${count} segments`,
  async () => await countSegments(weir, input.uid) > count, { seconds: 15 });

test('a broadcast goes on over reconnections, one with another resolution', { seconds: 180 }, async () => {
  const weir = await daemon();
  /* an encoder takes its time to start on a machine that is busy */
  const input = await weir.createInput({ recording: { mode: 'automatic', timeoutSeconds: 10 } });
  const uids = new Set();

  for (const file of [await clip(), await clip(), await wide()]) {
    const encoder = publish(file, input.publishUrl);
    uids.add((await weir.waitForState(input.uid, 'live')).videoUID);
    /* the first may still be one of the connection before */
    await moreSegments(weir, input, await countSegments(weir, input.uid) + 1);
    await encoder.stop('SIGKILL');
    await weir.waitForState(input.uid, 'reconnecting');
  }
  assert.equal(uids.size, 1);
  await ended(weir, input);
  const lists = await recording(weir, [...uids][0]);
  assert.equal(lists.length, 2);
  for (const list of lists) {
    assert.ok(list.ended);
    assert.equal(list.mediaSequence, 0);
    assert.equal(list.segments.filter((s) => s.discontinuity).length, 2);
    assert.equal(new Set(list.segments.map((s) => s.map)).size, 2);
    const present = list.segments.filter((s) => !s.gap);
    present.slice(1).forEach((s, i) =>
      assert.ok(s.time > present[i].time, `${s.uri}: decode time ${s.time} after ${present[i].time}`));
  }
});

test('a broadcast whose configuration changes more often than it may ends, and the next one begins', async () => {
  const options = { 'limits.broadcast-configurations': '1', 'recording.timeout': '20s' };

  await withWeir({ options }, async (weir) => {
    const input = await weir.createInput();
    const first = publish(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    await moreSegments(weir, input, 0);
    await first.stop('SIGKILL');
    await weir.waitForState(input.uid, 'reconnecting');
    const second = publish(await wide(), input.publishUrl);
    assert.notEqual(await second.exited, 0);
    await weir.waitForState(videoUID, 'ready');
    const third = publish(await wide(), input.publishUrl);
    assert.notEqual((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
    assert.match(await weir.text('/metrics'), /reason="broadcast-configurations"\} 1/);
    await third.stop();
    for (const list of await recording(weir, videoUID))
      assert.ok(list.ended);
  });
});

test('a second publisher is refused and changes nothing', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const first = publish(await clip(), input.publishUrl);
  const { videoUID } = await weir.waitForState(input.uid, 'live');

  await moreSegments(weir, input, 0);
  const second = publish(await clip(), input.publishUrl);
  assert.notEqual(await second.exited, 0);
  assert.match(second.output, /already publishing/);
  await moreSegments(weir, input, 1);
  assert.equal(first.code, undefined, first.tail());
  await first.stop();
  await ended(weir, input);
  for (const list of await recording(weir, videoUID))
    assert.ok(list.ended && list.segments.every((s) => !s.discontinuity));
});

/* plain TCP as far as the handshake, then gone; or a publisher that leaves in the middle of being checked */
test('publishers that leave at any moment leave their input free', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const [host, port] = weir.address('rtmp').split(':');
  const { hello, publishing } = handshake(input.rtmp.streamKey);

  for (let i = 0; i < 40; i++) {
    const socket = net.connect(Number(port), host);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(Buffer.concat([hello, publishing]));
    /* some before, some while, some after it was asked for */
    await new Promise((resolve) => setTimeout(resolve, i % 8));
    socket.resetAndDestroy();
  }
  await ended(weir, input);
  const encoder = publish(await clip(), input.publishUrl);
  await weir.waitForState(input.uid, 'live');
  await encoder.stop();
  await ended(weir, input);
});

test('a reconnection that brings no media does not end the broadcast', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const [host, port] = weir.address('rtmp').split(':');
  const { hello, publishing } = handshake(input.rtmp.streamKey);
  const encoder = publish(await clip(), input.publishUrl);
  const { videoUID } = await weir.waitForState(input.uid, 'live');

  await encoder.stop('SIGKILL');
  await weir.waitForState(input.uid, 'reconnecting');
  const socket = net.connect(Number(port), host);
  socket.on('error', () => {});
  socket.write(Buffer.concat([hello, publishing]));
  await weir.waitForState(input.uid, 'connecting');
  socket.resetAndDestroy();
  assert.equal((await weir.waitForState(input.uid, 'reconnecting')).videoUID, videoUID);
  await ended(weir, input);
});

/* C0, C1, C2 without waiting, and the commands up to publish in one piece */
function handshake(key) {
  const string = (text) => {
    const head = Buffer.from([2, 0, 0]);
    head.writeUInt16BE(text.length, 1);
    return Buffer.concat([head, Buffer.from(text)]);
  };
  const number = (value) => {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  };
  const name = (text) => string(text).subarray(1);
  const command = (stream, ...values) => {
    const body = Buffer.concat(values);
    assert.ok(body.length <= 128);
    return Buffer.concat([Buffer.from([3, 0, 0, 0, 0, body.length >> 8, body.length & 255, 20, stream, 0, 0, 0]), body]);
  };
  const none = Buffer.from([5]);
  return {
    hello: Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536, 1)]),
    publishing: Buffer.concat([
      command(0, string('connect'), number(1), Buffer.from([3]), name('app'), string('live'), Buffer.from([0, 0, 9])),
      command(0, string('createStream'), number(2), none),
      command(1, string('publish'), number(3), none, string(key)),
    ]),
  };
}

test('a deleted input goes off the air, and the daemon stays', async () => {
  const weir = await daemon();
  const [input, other] = [await weir.createInput(), await weir.createInput()];
  const [gone, stays] = [publish(await clip(), input.publishUrl), publish(await clip(), other.publishUrl)];

  await weir.waitForState(input.uid, 'live');
  await weir.waitForState(other.uid, 'live');
  await weir.api('DELETE', `/live_inputs/${input.uid}`);
  assert.notEqual(await gone.exited, 0);
  const again = publish(await clip(), input.publishUrl);
  assert.notEqual(await again.exited, 0);
  assert.match(again.output, /not known/);
  await moreSegments(weir, other, 0);
  assert.equal((await weir.lifecycle(other.uid)).state, 'live');
  await stays.stop();
  await ended(weir, other);
});

test('SIGTERM while ten are live and strangers knock commits everything', { seconds: 180 }, async () => {
  const state = path.join(folder, 'term');
  fs.mkdirSync(state);
  const weir = await Weir.start({ state });
  const inputs = await Promise.all(Array.from({ length: 10 }, () => weir.createInput()));
  const encoders = await Promise.all(inputs.map(async (input) => publish(await clip(), input.publishUrl)));
  const lives = await Promise.all(inputs.map((input) => weir.waitForState(input.uid, 'live')));
  await Promise.all(inputs.map((input) => moreSegments(weir, input, 0)));

  const [host, port] = weir.address('rtmp').split(':');
  const { hello, publishing } = handshake(inputs[0].rtmp.streamKey);
  const strangers = Array.from({ length: 100 }, (_, i) => {
    const socket = net.connect(Number(port), host);
    socket.on('error', () => {});
    socket.write(i % 2 ? hello : Buffer.concat([hello, publishing]));
    return socket;
  });
  assert.equal(await weir.process.stop('SIGTERM', 20), 0, weir.process.tail());
  strangers.forEach((socket) => socket.destroy());
  await Promise.all(encoders.map((encoder) => encoder.stop('SIGKILL')));
  assert.deepEqual(fs.readdirSync(path.join(state, 'segments', 'spool')), []);

  const next = await Weir.start({ state });
  try {
    for (const { videoUID } of lives)
      for (const list of await recording(next, videoUID))
        assert.ok(list.ended && list.segments.length > 0);
  } finally {
    assert.equal(await next.stop(), 0, next.process.tail());
  }
});

/* AAC LC, 48 kHz, one channel */
const mono = Buffer.from([0xaf, 0, 0x11, 0x88]);

async function liveEncoder(weir, connect) {
  const input = await weir.createInput();
  const client = keepSending(await RtmpClient.publishing(weir, input, { connect }));
  client.input = input;
  client.videoUID = (await weir.waitForState(input.uid, 'live')).videoUID;
  await moreSegments(weir, input, 0);
  client.answers.length = 0;
  return client;
}

/* however an encoder is lost, the window counts from the media that came last */
const losses = {
  'that closes its connection': (client) => client.tcp.end(),
  'whose connection is reset': (client) => client.close(),
  'that goes silent with its connection open': (client) => clearInterval(client.timer),
  'that says that it stops': (client) => client.command(1, 'deleteStream', 0, null, 1),
};

for (const [index, [name, lose]] of Object.entries(losses).entries()) {
  test(`playlists go on without an encoder ${name}, and with it when it returns`, { seconds: 120 }, async () => {
    const options = { 'recording.timeout': '30s', 'recording.clean-stop-timeout': '12s', 'limits.rtmp-media-silence': '5s' };

    await withWeir({ options }, async (weir) => {
      const client = await liveEncoder(weir, {});
      const viewer = new Viewer(weir, client.input.uid);
      await until('segments', () => viewer.newest >= 1);
      const lost = Date.now();
      await lose(client);
      const { deadline } = await weir.waitForState(client.input.uid, 'reconnecting');
      const window = (Date.parse(deadline) - lost) / 1000;
      const wanted = name.includes('says') ? 12 : 30;
      assert.ok(window > wanted - 1.5 && window < wanted + 1, `${window} s`);
      const gaps = () => [...viewer.tracks.values()].map(({ seen }) => [...seen.values()].filter((s) => s.gap).length);
      await until('gaps', () => viewer.tracks.size === 2 && Math.min(...gaps()) >= 3, { seconds: 15, every: 20 });
      const seconds = (Date.now() - lost) / 1000;
      const { list } = [...viewer.tracks.values()][0];
      assert.ok(seconds > 3 * list.targetDuration - 0.5, `3 gaps of ${list.targetDuration} s after ${seconds} s`);

      /* it comes back: as it was, with another configuration, with less, with more */
      const [video, sound] = [[media.avcConfig, media.aacConfig], [media.avcConfig, mono], [media.avcConfig, null], [media.avcConfig, media.aacConfig]][index];
      const again = keepSending(await RtmpClient.publishing(weir, client.input), { video, sound });
      assert.equal((await weir.waitForState(client.input.uid, 'live')).videoUID, client.videoUID);
      const newest = viewer.newest;
      await until('more', () => viewer.newest >= newest + 3, { seconds: 20, every: 50 });
      const breaks = [...viewer.tracks.values()].map((track) => Math.max(...track.breaks.values()));
      assert.equal(Math.max(...breaks), 1, `discontinuities: ${breaks}`);
      await viewer.stop();
      again.close();
    });
  });
}

const reconnectRequest = (client) => client.until('a request to reconnect', () => client.answers.find((answer) =>
  answer.name === 'onStatus' && answer.values[3].code === 'NetConnection.Connect.ReconnectRequest'));

test('SIGTERM asks encoders that understand it to reconnect, and closes the others at once', async () => {
  const state = path.join(folder, 'reconnect');
  fs.mkdirSync(state);
  const weir = await Weir.start({ state });
  const [leaves, stays, plain] = await Promise.all([liveEncoder(weir, { capsEx: 1 }), liveEncoder(weir, { capsEx: 1 }),
    liveEncoder(weir, {})]);
  const began = performance.now();
  const exited = weir.process.stop('SIGTERM', 20);

  await Promise.all([reconnectRequest(leaves), reconnectRequest(stays)]);
  await plain.end();
  assert.ok(!stays.closed, 'the one that was asked is closed together with the one that was not');
  assert.ok(!plain.answers.some((answer) => answer.values?.[3]?.code.includes('Reconnect')), plain.said());
  leaves.close();
  /* what it sends into a connection that is closed would make the system forget what was said to it */
  clearInterval(stays.timer);
  await stays.status('NetConnection.Connect.ReconnectRequest');
  await stays.status('NetStream.Unpublish.Success');
  await stays.end();
  const seconds = (performance.now() - began) / 1000;
  assert.ok(seconds > 1.9, `closed after ${seconds} s`);
  assert.equal(await exited, 0, weir.process.tail());
  const next = await Weir.start({ state });
  try {
    for (const { videoUID } of [leaves, stays, plain])
      for (const list of await recording(next, videoUID))
        assert.ok(list.ended && list.segments.length > 0);
  } finally {
    assert.equal(await next.stop(), 0, next.process.tail());
  }
});

test('SIGTERM waits no longer than until all that were asked have left', async () => {
  const weir = await Weir.start();
  const client = await liveEncoder(weir, { capsEx: 1 });
  const exited = weir.process.stop('SIGTERM', 20);

  await reconnectRequest(client);
  const asked = performance.now();
  client.close();
  assert.equal(await exited, 0, weir.process.tail());
  const seconds = (performance.now() - asked) / 1000;
  assert.ok(seconds < 1.9, `${seconds} s`);
});

test('segments that could not be stored for a while are in the recording', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const encoder = publish(await clip(), input.publishUrl);
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const objects = path.join(weir.state, 'segments', videoUID);

  await until('an object', () => fs.existsSync(objects));
  /* a file is in the way of the folder */
  fs.renameSync(objects, `${objects}.away`);
  fs.writeFileSync(objects, '');
  await weir.process.waitFor(new RegExp(`${videoUID}: segment \\d+ was not committed`));
  assert.equal((await weir.lifecycle(input.uid)).state, 'live');
  fs.unlinkSync(objects);
  fs.renameSync(`${objects}.away`, objects);
  await moreSegments(weir, input, await countSegments(weir, input.uid));
  await encoder.stop();
  await ended(weir, input);
  for (const list of await recording(weir, videoUID)) {
    const numbers = list.segments.map((s) => Number(/\/segments\/\d+-(\d+)/.exec(s.uri)[1]));
    assert.deepEqual(numbers, numbers.map((_, i) => i));
    assert.ok(numbers.length >= 3);
  }
});

const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

test('broadcasts that have ended keep no descriptor', { alone: true }, async () => {
  const state = path.join(folder, 'descriptors');
  fs.mkdirSync(state);
  const weir = await Weir.start({ state });
  const before = descriptors(weir.process.pid);
  const inputs = await Promise.all(Array.from({ length: 8 }, () => weir.createInput()));
  const encoders = await Promise.all(inputs.map(async (input) => publish(await clip(), input.publishUrl)));

  await Promise.all(inputs.map((input) => moreSegments(weir, input, 1)));
  const during = descriptors(weir.process.pid);
  assert.ok(during >= before + 8 * 2, `${before} before, ${during} during`);
  await Promise.all(encoders.map((encoder) => encoder.stop()));
  await Promise.all(inputs.map((input) => ended(weir, input)));
  /* this test's own requests are kept alive for a while */
  await until(() => `descriptors: ${before} before, ${descriptors(weir.process.pid)} after`,
    () => descriptors(weir.process.pid) <= before + 12, { seconds: 10 });
  assert.equal(await weir.process.stop('SIGTERM', 20), 0, weir.process.tail());
});
