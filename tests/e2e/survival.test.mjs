// SPDX-License-Identifier: LGPL-2.1-or-later
// Broadcasts that survive: encoder, daemon or disk are lost in whatever way and come back sooner or later. It is the same broadcast or a
// new one as the rules say, nothing that was taken is missing or there twice, and viewers see gaps where nobody sent.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { FaultyDisk } from './support/disk.mjs';
import { EncoderProcess, LiveEncoder, makeClip, makeOtherClip } from './support/encoder.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { play } from './support/player.mjs';
import { run } from './support/process.mjs';
import { startAgain } from './support/restart.mjs';
import { checkBroadcast, eventsOf, Viewers } from './support/survival.mjs';
import { shared, test } from './support/test.mjs';
import { sleep, until } from './support/wait.mjs';
import { sharedWeir, Weir } from './support/weir.mjs';

const folder = temporaryFolder('survival');
const WINDOW_S = 5;
const SILENCE_S = 2;
/* an encoder that says that it stops ends its broadcast soon, so that the cells do */
const options = { 'segments.duration': '1s', 'recording.clean-stop-timeout': '1s' };
const recording = { mode: 'automatic', timeoutSeconds: WINDOW_S };
/* for those who are to return in time, on a machine that is busy too */
const longWindow = { recording: { mode: 'automatic', timeoutSeconds: 30 } };
/* of media that each connection brings */
const RUN_S = 3;
const SECONDS = 60;
const daemon = sharedWeir({ options });
/* for those who are silent on purpose: one who sends may be late on a machine that is busy */
const strictDaemon = sharedWeir({ options: { ...options, 'limits.rtmp-media-silence': `${SILENCE_S}s` } });

const clip = shared(() => makeClip(path.join(folder, 'clip.flv'), { seconds: SECONDS }));
const larger = shared(() => makeClip(path.join(folder, 'larger.flv'), { seconds: 15, size: '480x270' }));
const others = Object.fromEntries(['hvc1', 'av01'].map((fourcc) => [fourcc,
  shared(async () => makeOtherClip(path.join(folder, `${fourcc}.mkv`), fourcc, await clip(), { seconds: 15 }))]));

const sends = (encoder, seconds = RUN_S) => until(() => `${seconds} s are sent, ${encoder.seconds} are`,
  () => encoder.seconds >= seconds, { seconds: seconds + 20, every: 50 });

/* a broadcast of that input has begun, and hls.js plays it if it is to: { videoUID, viewers, player } */
async function begin(weir, input, { player = false } = {}) {
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const viewers = new Viewers(weir, input, videoUID);
  const watching = player ? await play(weir, input.uid, { lead: 2, patient: true }) : null;

  if (watching)
    watching.before = await watching.playing(0.5);
  return { videoUID, viewers, player: watching };
}

async function liveEncoder(weir, body = { recording }) {
  const input = await weir.createInput(body);
  const encoder = new LiveEncoder(weir, input, await clip());

  await encoder.connect();
  return { input, encoder };
}

/* hls.js came to the end, over all that was missing; more: pictures at least beside those that it had */
async function checkPlayed(player, more = 20 * RUN_S) {
  const record = await player.end(60);

  assert.equal(record.fatal, null, JSON.stringify(record));
  assert.ok(record.ended && record.decoded >= player.before.decoded + more, JSON.stringify(record));
}

/* the window counts from the last media: the broadcast ended that much later, and not much later, as a machine that is busy has it */
async function checkEnd(weir, videoUID, lastMedia, window = WINDOW_S) {
  const [event] = await eventsOf(weir, videoUID, ['broadcast.ended']);
  const seconds = (Date.parse(event.time) - lastMedia) / 1000;

  assert.ok(seconds >= window - 0.1 && seconds <= window + 5, `ended ${seconds} s after the last media`);
}

/* how an encoder that is in this process is lost, and one that is not */
const losses = ['FIN', 'RST', 'silence', 'kill -9'];
const ways = { FIN: 'closes its connection', RST: 'resets its connection', silence: 'goes silent', 'kill -9': 'is killed' };

async function loseFirst(weir, how) {
  if (how !== 'kill -9') {
    const { input, encoder } = await liveEncoder(weir);
    return { input, encoder, sent: () => sends(encoder), lose: async () => {
      await encoder.lose(how);
      return encoder.connection;
    } };
  }
  const input = await weir.createInput({ recording });
  const first = new EncoderProcess(weir, input, await clip(), 0);
  return { input, encoder: new LiveEncoder(weir, input, await clip()), sent: () => sends(first), lose: () => first.kill() };
}

for (const how of losses) {
  for (const [seconds, player] of [[0.5, how === 'RST'], [3, how === 'FIN'], [7, how === 'kill -9']]) {
    const same = seconds < WINDOW_S;
    test(`an encoder that ${ways[how]} and is back after ${seconds} s goes on with ${same ? 'the same' : 'a new'} broadcast`, { seconds: 180 }, async () => {
      const weir = await (how === 'silence' ? strictDaemon : daemon)();
      const { input, encoder, sent, lose } = await loseFirst(weir, how);
      const { videoUID, viewers, player: watching } = await begin(weir, input, { player });
      await sent();
      const first = await lose();

      await sleep(first.last + seconds * 1000 - Date.now());
      await encoder.connect({ position: Math.max(encoder.position, 10_000) });
      const next = (await weir.waitForState(input.uid, 'live')).videoUID;
      assert.equal(next === videoUID, same, `${videoUID}, then ${next}`);
      await sends(encoder);
      if (!same) {
        await viewers.end(videoUID);
        await checkEnd(weir, videoUID, first.last);
        await checkBroadcast(weir, videoUID, [first], { name: path.join(folder, `${how}-${seconds}-first`), viewers, waited: WINDOW_S });
      }
      await encoder.stop();
      await weir.waitForState(next, 'ready');
      if (same)
        await viewers.end(videoUID);
      await checkBroadcast(weir, next, same ? [first, encoder.connection] : [encoder.connection],
        { name: path.join(folder, `${how}-${seconds}`), viewers: same ? viewers : null, replaced: how === 'silence' && seconds < SILENCE_S });
      /* most of the last connection's pictures, or what there is when gaps are all that followed */
      if (watching)
        await checkPlayed(watching, same ? undefined : 0);
    });
  }
}

/* the encoder is lost and comes back with what each of `clips` has */
async function returns(weir, name, clips, { player = false, seconds = 2.5 } = {}) {
  const { input, encoder } = await liveEncoder(weir, longWindow);
  const { videoUID, viewers, player: watching } = await begin(weir, input, { player });

  await sends(encoder);
  for (const next of clips) {
    await encoder.lose('FIN');
    await weir.waitForState(input.uid, 'reconnecting');
    await sleep(seconds * 1000);
    await encoder.connect({ clip: next });
    assert.equal((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
    await sends(encoder);
  }
  await encoder.stop();
  await viewers.end(videoUID);
  const tracks = await checkBroadcast(weir, videoUID, encoder.connections, { name: path.join(folder, name), viewers });
  if (watching)
    await checkPlayed(watching);
  return tracks;
}

test('an encoder that is lost twice in a row', { seconds: 180 }, async () => {
  await returns(await daemon(), 'twice', [await clip(), await clip()], { seconds: 1.5 });
});

test('an encoder that comes back with another resolution', { seconds: 180 }, async () => {
  await returns(await daemon(), 'resolution', [await larger()], { player: true });
});

for (const [fourcc, codec, player] of [['hvc1', 'HEVC', false], ['av01', 'AV1', true]])
  test(`an encoder of H.264 that comes back with ${codec}`, { seconds: 180 }, async () => {
    const [video] = await returns(await daemon(), codec, [await others[fourcc]()], { player });
    assert.deepEqual(video.map(({ entry }) => entry), ['avc1', fourcc]);
  });

/* body(weir, again(): the daemon that comes back where it was) */
async function withDaemon(name, more, body) {
  const state = path.join(folder, name);
  const all = { ...options, ...more };
  fs.mkdirSync(state);
  let weir = await Weir.start({ state, options: all });
  try {
    await body(weir, async () => (weir = await startAgain(weir, all)));
  } catch (error) {
    error.message += `\n--- daemon:\n${weir.process.tail(40)}`;
    throw error;
  } finally {
    const code = await weir.stop();
    assert.equal(code, 0, weir.process.tail(40));
  }
}

/* what a daemon that is killed may lose of what it has read: the open chunk (500 ms) and what the timeline holds */
const restarts = {
  'SIGTERM': { lost: 0, end: async (weir) => assert.equal(await weir.process.stop('SIGTERM', 20), 0, weir.process.tail()) },
  'kill -9': { lost: 0.7, end: (weir) => weir.kill() },
};

for (const [name, { lost, end }] of Object.entries(restarts))
  test(`a daemon that goes by ${name} and is back after 1 s`, { seconds: 180 }, async () => {
    await withDaemon(name, {}, async (first, again) => {
      const { input, encoder } = await liveEncoder(first, longWindow);
      const { videoUID, viewers, player } = await begin(first, input, { player: name === 'SIGTERM' });

      await sends(encoder);
      await encoder.settle();
      await end(first);
      encoder.leave();
      await sleep(1000);
      const weir = await again();
      await encoder.connect();
      assert.equal((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
      await sends(encoder);
      await encoder.stop();
      await viewers.end(videoUID);
      await checkBroadcast(weir, videoUID, encoder.connections, { name: path.join(folder, name), viewers, lost: [lost] });
      /* the init of the second daemon has another name, and that is no other format */
      const file = path.join(folder, `${name}-download.mp4`);
      await weir.cli(['recording', 'download', videoUID, file]);
      await run('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-']);
      if (player)
        await checkPlayed(player);
    });
  });

/* the connection is not lost: what was sent meanwhile waits in it */
/* as long as an encoder may be silent, and longer */
for (const [seconds, window, silence] of [[3, WINDOW_S, '2s'], [20, 60, '15s']])
  test(`a daemon that stands still for ${seconds} s`, { seconds: 120 }, async () => {
    await withDaemon(`stopped-${seconds}`, { 'limits.rtmp-media-silence': silence }, async (weir) => {
      const { input, encoder } = await liveEncoder(weir, { recording: { mode: 'automatic', timeoutSeconds: window } });
      const { videoUID, viewers } = await begin(weir, input);

      await sends(encoder);
      process.kill(weir.process.pid, 'SIGSTOP');
      try {
        await sleep(seconds * 1000);
      } finally {
        process.kill(weir.process.pid, 'SIGCONT');
      }
      await sends(encoder, encoder.seconds + RUN_S);
      assert.equal((await weir.lifecycle(input.uid)).videoUID, videoUID);
      assert.equal(encoder.client.closed, false, encoder.client.said());
      await encoder.stop();
      await viewers.end(videoUID);
      await checkBroadcast(weir, videoUID, encoder.connections, { name: path.join(folder, `stopped-${seconds}`), viewers });
    });
  });

/* live goes on from memory, over a return too; what the disk did not take is missing in the recording, and nothing else */
test('a disk that is full while the encoder is lost and comes back, and is freed', { seconds: 120 }, async () => {
  const state = path.join(folder, 'disk');
  const disk = new FaultyDisk(path.join(folder, 'disk'), state);
  const weir = await Weir.start({ state, options, env: disk.env });
  try {
    const { input, encoder } = await liveEncoder(weir, longWindow);
    const { videoUID, viewers } = await begin(weir, input);

    await sends(encoder);
    disk.fail('full', 'segments');
    await weir.process.waitFor(new RegExp(`${videoUID}: the disk takes no segments`), 40);
    await sends(encoder, encoder.seconds + 2);
    await encoder.lose('FIN');
    await weir.waitForState(input.uid, 'reconnecting');
    await sleep(2500);
    await encoder.connect();
    assert.equal((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
    await sends(encoder, 2);
    disk.heal();
    await weir.process.waitFor(new RegExp(`${videoUID}: the disk takes segments again`), 40);
    await sends(encoder, encoder.seconds + RUN_S);
    await encoder.stop();
    await viewers.end(videoUID);
    const tracks = await checkBroadcast(weir, videoUID, encoder.connections, { name: path.join(folder, 'disk'), viewers, holes: true });
    for (const [first, second] of tracks)
      assert.ok(first.samples.length > 0 && second.samples.length > 0);
  } finally {
    disk.heal();
    assert.equal(await weir.stop(), 0, weir.process.tail(40));
  }
});

/* as the configuration has it when nobody says anything: one returns within 60 s of its last media, one does not */
test('the usual window of 60 s', { seconds: 180 }, async () => {
  const defaults = { ...options, 'recording.timeout': '60s' };
  await withDaemon('usual', defaults, async (weir) => {
    await Promise.all([55, 65].map(async (seconds) => {
      const { input, encoder } = await liveEncoder(weir, {});
      const { videoUID, viewers } = await begin(weir, input);
      const same = seconds < 60;

      await sends(encoder);
      await encoder.lose('FIN');
      const { deadline } = await weir.waitForState(input.uid, 'reconnecting');
      /* the last media came between being sent and being worked off */
      const { last, settled } = encoder.connection;
      assert.ok(Date.parse(deadline) > last + 59_900 && Date.parse(deadline) < settled + 60_100,
        `the deadline is ${Date.parse(deadline) - last} ms after the last media, which took ${settled - last} ms`);
      await sleep(encoder.connection.last + seconds * 1000 - Date.now());
      if (!same) {
        await viewers.end(videoUID);
        await checkEnd(weir, videoUID, encoder.connection.last, 60);
        await checkBroadcast(weir, videoUID, encoder.connections, { name: path.join(folder, 'usual-first'), viewers, waited: 60 });
        encoder.connections = [];
      }
      await encoder.connect();
      const next = (await weir.waitForState(input.uid, 'live')).videoUID;
      assert.equal(next === videoUID, same);
      await sends(encoder);
      await encoder.stop();
      await weir.waitForState(next, 'ready');
      if (same)
        await viewers.end(videoUID);
      await checkBroadcast(weir, next, encoder.connections, { name: path.join(folder, `usual-${seconds}`), viewers: same ? viewers : null });
    }));
  });
});
