// SPDX-License-Identifier: LGPL-2.1-or-later
// A killed daemon denies nothing that a viewer has seen, and a restart is a reconnect.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { mediaPlaylists, parseMedia } from './support/hls.mjs';
import { decodesCleanly, makeReference } from './support/media.mjs';
import { Process, run } from './support/process.mjs';
import { checkRecording, ReturningEncoder, startAgain, Viewer } from './support/restart.mjs';
import { shared, test } from './support/test.mjs';
import { sleep, until } from './support/wait.mjs';
import { settings, Weir } from './support/weir.mjs';

test('every part that was served before kill -9 stands in a playable segment after the restart', { seconds: 180 }, async () => {
  const folder = temporaryFolder('crash');
  const state = path.join(folder, 'state');
  const clip = await makeReference(path.join(folder, 'clip.flv'), { seconds: 30 });
  fs.mkdirSync(state);

  const weir = await Weir.start({ state });
  const input = await weir.createInput();
  const encoder = new Process('ffmpeg', ['-v', 'error', '-re', '-i', clip, '-c', 'copy', '-f', 'flv', input.publishUrl]);

  /* parts are not listed yet: their numbers are walked, from the first closed segment on */
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const listed = await until('a playlist', async () => {
    const response = await weir.fetch(`/${input.uid}/manifest/video.m3u8`);
    return response.status === 200 ? response.text() : null;
  });
  const playlists = await mediaPlaylists(async () => listed, `/${input.uid}/manifest/video.m3u8`);
  const tracks = [];
  let number = null;
  for (const playlist of playlists) {
    const [segment] = parseMedia(await weir.text(playlist)).segments.slice(-1);
    const name = /\/segments\/(\d+)-(\d+)\/track(\d+)\.m4s$/.exec(new URL(segment.uri, new URL(playlist, 'http://x/')).pathname);
    assert.ok(name, segment.uri);
    tracks.push({ epoch: name[1], track: name[3], number: Number(name[2]) + 1, part: 0 });
  }
  const parts = [];
  const walk = async (at) => {
    for (;;) {
      const bytes = await weir.bytes(`/${videoUID}/segments/${at.epoch}-${at.number}/track${at.track}.${at.part}.m4s`);
      if (bytes !== null) {
        parts.push({ ...at, bytes });
        at.part++;
        continue;
      }
      /* the next segment has begun: its first part is there */
      if (at.part > 0 && await weir.bytes(`/${videoUID}/segments/${at.epoch}-${at.number + 1}/track${at.track}.0.m4s`) !== null) {
        at.number++;
        at.part = 0;
        continue;
      }
      return;
    }
  };
  /* until the middle of a segment: some parts of an open one have been served */
  await until('parts of an open segment', async () => {
    for (const at of tracks)
      await walk(at);
    return parts.length > 20 && tracks[0].part >= 1 && tracks[0].part <= 3;
  }, { seconds: 30, every: 50 });
  await weir.kill();
  await encoder.stop('SIGKILL');

  const again = await Weir.start({ state });
  try {
    assert.ok(parts.length > 20);
    /* its encoder does not come back */
    await again.waitForState(videoUID, 'ready');
    const shown = await again.text(`/${videoUID}/manifest/video.m3u8`);
    const lists = await mediaPlaylists(async () => shown, `/${videoUID}/manifest/video.m3u8`);
    for (const playlist of lists) {
      const list = parseMedia(await again.text(playlist));
      const where = (uri) => new URL(uri, new URL(playlist, 'http://x/')).pathname;
      assert.ok(list.ended, `${playlist} has no end`);
      /* a track of which the last segment had nothing yet has a gap there, and only there */
      assert.ok(list.segments.slice(0, -1).every((segment) => !segment.gap), `${playlist} has gaps`);
      list.segments = list.segments.filter((segment) => !segment.gap);
      const bodies = await Promise.all(list.segments.map((s) => again.bytes(where(s.uri))));
      const init = await again.bytes(where(list.segments[0].map));
      const track = /track(\d+)\.m4s/.exec(list.segments[0].uri)[1];

      for (const part of parts.filter((p) => p.track === track)) {
        const index = list.segments.findIndex((s) => s.uri.includes(`/${part.epoch}-${part.number}/`));
        assert.ok(index >= 0, `segment ${part.number}, of which a part was served, is not in ${playlist}`);
        const segment = bodies[index];
        assert.ok(segment.includes(part.bytes), `part ${part.part} of segment ${part.number} is not in the segment`);
      }
      const file = path.join(folder, `${path.basename(playlist)}.mp4`);
      fs.writeFileSync(file, Buffer.concat([init, ...bodies]));
      await decodesCleanly(file);
      await run(settings.weir, ['check', file]);
    }
    /* and the input takes the next broadcast */
    const next = new Process('ffmpeg', ['-v', 'error', '-re', '-i', clip, '-t', '4', '-c', 'copy', '-f', 'flv',
      `rtmp://${again.address('rtmp')}/live/${input.rtmp.streamKey}`]);
    await again.waitForState(input.uid, 'live');
    await next.stop();
  } finally {
    assert.equal(await again.stop(), 0, again.process.tail());
  }
});

const folder = temporaryFolder('restart');
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 60 }));
const other = shared(() => makeReference(path.join(folder, 'other.flv'), { seconds: 60, video: { size: '480x270' }, audio: false }));

const stateFolder = (name) => {
  const state = path.join(folder, name);
  fs.mkdirSync(state);
  return state;
};

const newer = (viewer, count, seconds = 30) => {
  const before = viewer.newest;
  return until(() => `${count} more than ${before}, is ${viewer.newest}`, async () => {
    await Promise.race([viewer.done, sleep(50)]);
    return viewer.newest >= before + count;
  }, { seconds });
};

const segmentName = (uri) => /segments\/(\d+-\d+)\//.exec(uri)[1];

/* what the viewer had of a track is in the recording, byte for byte */
function assertAllThere(viewer, lists) {
  const recorded = new Map(lists.flatMap(({ segments }) => segments)
    .filter((s) => !s.gap).map((s) => [s.uri.split('/').slice(-2).join('/'), s.bytes]));
  const seen = viewer.segments.filter((s) => s.bytes);

  assert.ok(seen.length > 0);
  for (const { uri, bytes } of seen)
    assert.ok(recorded.get(uri.split('/').slice(-2).join('/'))?.equals(bytes), `${uri} was seen and is not in the recording`);
}

/* how the daemon goes → how often it does */
const restarts = {
  SIGTERM: async (weir) => assert.equal(await weir.process.stop('SIGTERM', 20), 0, weir.process.tail()),
  SIGKILL: async (weir) => weir.kill(),
};

for (const [signal, end] of Object.entries(restarts)) {
  test(`a broadcast goes on over two restarts by ${signal}`, { seconds: 180 }, async () => {
    const options = { 'recording.timeout': '20s' };
    let weir = await Weir.start({ state: stateFolder(signal), options });
    const input = await weir.createInput();
    const encoder = new ReturningEncoder(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const viewer = new Viewer(weir, input.uid);

    await newer(viewer, 3);
    for (let i = 0; i < 2; i++) {
      await end(weir);
      /* longer than a segment: there are gaps to be made up for */
      await sleep(i === 0 ? 0 : 3000);
      weir = await startAgain(weir, options);
      assert.equal((await weir.lifecycle(input.uid)).videoUID, videoUID);
      assert.equal((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
      await newer(viewer, 3);
    }
    await encoder.stop();
    await weir.waitForState(videoUID, 'ready', 40);
    await viewer.end();
    const lists = await checkRecording(weir, videoUID, path.join(folder, signal));
    assert.equal(lists.length, 2);
    for (const list of lists) {
      assert.equal(list.segments.filter((s) => s.discontinuity).length, 2);
      /* each restart is another epoch, and their numbers go on */
      const names = list.segments.map((s) => segmentName(s.uri).split('-').map(Number));
      assert.equal(new Set(names.map(([epoch]) => epoch)).size, 3);
      names.forEach(([, number], index) => assert.equal(number, index));
    }
    assertAllThere(viewer, lists);
    assert.ok(viewer.segments.some((s) => s.gap), 'no gap was listed');
    assert.equal(await weir.stop(), 0, weir.process.tail());
  });
}

test('a daemon that dies between two connections of an encoder goes on waiting', { seconds: 180 }, async () => {
  const options = { 'recording.timeout': '40s' };
  await other();
  let weir = await Weir.start({ state: stateFolder('waiting'), options });
  const input = await weir.createInput();
  const first = new ReturningEncoder(await clip(), input.publishUrl);
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const viewer = new Viewer(weir, input.uid);

  await newer(viewer, 2);
  await first.stop('SIGKILL');
  const { deadline } = await weir.waitForState(input.uid, 'reconnecting');
  await until('two gaps', () => viewer.segments.filter((s) => s.gap).length >= 4);
  await weir.kill();
  weir = await startAgain(weir, options);
  const again = await weir.lifecycle(input.uid);
  assert.equal(again.state, 'reconnecting');
  assert.equal(again.videoUID, videoUID);
  assert.ok(Math.abs(Date.parse(again.deadline) - Date.parse(deadline)) < 1000, `${deadline}, then ${again.deadline}`);
  /* another resolution, and no sound */
  const second = new ReturningEncoder(await other(), input.publishUrl);
  assert.equal((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
  await newer(viewer, 2);
  await second.stop();
  await weir.waitForState(videoUID, 'ready', 40);
  await viewer.stop();
  const [video] = await checkRecording(weir, videoUID, path.join(folder, 'waiting'));
  assert.equal(video.segments.filter((s) => s.discontinuity).length, 1);
  assert.equal(new Set(video.segments.map((s) => s.map)).size, 2);
  assert.equal(await weir.stop(), 0, weir.process.tail());
});

for (const signal of Object.keys(restarts)) {
  test(`the playlists of what is not recorded never go back over ${signal}`, { seconds: 120 }, async () => {
    const options = { 'recording.timeout': '20s' };
    let weir = await Weir.start({ state: stateFolder(`off-${signal}`), options });
    const input = await weir.createInput({ recording: { mode: 'off' } });
    const encoder = new ReturningEncoder(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const viewer = new Viewer(weir, input.uid);

    await newer(viewer, 4);
    await restarts[signal](weir);
    weir = await startAgain(weir, options);
    assert.equal((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
    await newer(viewer, 4);
    await encoder.stop();
    await weir.waitForState(input.uid, ['idle', 'ended'], 40);
    await viewer.end();
    assert.equal(await weir.stop(), 0, weir.process.tail());
  });
}

test('a broadcast whose window was over meanwhile has ended, and the next one begins', { seconds: 120 }, async () => {
  const options = { 'recording.timeout': '2s' };
  let weir = await Weir.start({ state: stateFolder('over'), options });
  const input = await weir.createInput();
  const encoder = new ReturningEncoder(await clip(), input.publishUrl);
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const viewer = new Viewer(weir, input.uid);

  await newer(viewer, 2);
  await viewer.stop();
  await weir.kill();
  await sleep(3000);
  weir = await startAgain(weir, options);
  const lists = await checkRecording(weir, videoUID, path.join(folder, 'over'));
  assertAllThere(viewer, lists);
  assert.ok(lists.every((list) => list.segments.every((s) => !s.discontinuity)));
  assert.notEqual((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
  await encoder.stop();
  assert.equal(await weir.stop(), 0, weir.process.tail());
});

for (const mode of ['automatic', 'off']) {
  test(`a daemon that is killed again and again at any moment takes nothing back, recording ${mode}`, { seconds: 300, long: true }, async () => {
    const options = { 'recording.timeout': '60s' };
    let weir = await Weir.start({ state: stateFolder(`again-${mode}`), options });
    const input = await weir.createInput({ recording: { mode } });
    const encoder = new ReturningEncoder(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const viewer = new Viewer(weir, input.uid);

    await newer(viewer, 1);
    /* from before the encoder is back to the middle of its third segment */
    for (let i = 0; i < 10; i++) {
      await sleep(i * 630);
      await weir.kill();
      weir = await startAgain(weir, options);
      const { videoUID: now } = await weir.lifecycle(input.uid);
      assert.equal(now, videoUID);
      assert.equal(await Promise.race([viewer.done.then(() => 'ended'), sleep(1).then(() => 'goes on')]), 'goes on');
    }
    await newer(viewer, 3);
    await encoder.stop();
    await weir.waitForState(videoUID, ['ready', 'ended'], 90);
    await viewer.end();
    if (mode === 'automatic') {
      const lists = await checkRecording(weir, videoUID, 'again');
      assertAllThere(viewer, lists);
      assert.ok(lists.every((list) => list.segments.filter((s) => s.discontinuity).length <= 10));
    }
    assert.equal(await weir.stop(), 0, weir.process.tail());
  });
}

test('a daemon that stands still for 20 s goes on with the same broadcast', { seconds: 180, long: true }, async () => {
  const options = { 'recording.timeout': '60s' };
  const weir = await Weir.start({ state: stateFolder('stopped'), options });
  const input = await weir.createInput();
  const encoder = new ReturningEncoder(await clip(), input.publishUrl);
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const viewer = new Viewer(weir, input.uid);

  await newer(viewer, 3);
  process.kill(weir.process.pid, 'SIGSTOP');
  await sleep(20_000);
  process.kill(weir.process.pid, 'SIGCONT');
  await newer(viewer, 6);
  assert.equal((await weir.waitForState(input.uid, 'live')).videoUID, videoUID);
  await encoder.stop();
  await weir.api('GET', '/live_inputs');
  await weir.waitForState(videoUID, 'ready', 90);
  await viewer.stop();
  assertAllThere(viewer, await checkRecording(weir, videoUID, path.join(folder, 'stopped')));
  assert.equal(await weir.stop(), 0, weir.process.tail());
});
