// SPDX-License-Identifier: LGPL-2.1-or-later
// A disk that is slow, full or broken: live goes on, recordings pause, nothing needs a hand afterwards.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { FaultyDisk } from './support/disk.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { Collector, countSegments, parseMedia, recordedPlaylists } from './support/hls.mjs';
import { decodesCleanly, makeReference, publishers } from './support/media.mjs';
import { run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { sleep, until } from './support/wait.mjs';
import { settings, Weir, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('disk');
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 60 }));

const publish = publishers.ffmpeg;

/* a daemon whose disk can be made to fail: body(weir, disk) */
async function withDisk(name, options, body, { state = path.join(folder, name) } = {}) {
  const disk = new FaultyDisk(path.join(folder, name), state);

  try {
    await withWeir({ state, options, env: disk.env }, (weir) => body(weir, disk));
  } finally {
    disk.heal();
  }
}

async function metrics(weir) {
  const text = await weir.text('/metrics');
  return (name) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (.*)$`, 'm').exec(text)[1]);
}

async function moreSegments(weir, input, count, seconds = 40) {
  const before = await countSegments(weir, input.uid);
  return until(`${count} more segments than ${before}`,
    async () => await countSegments(weir, input.uid) >= before + count, { seconds });
}

const ended = (weir, id) => weir.waitForState(id, ['idle', 'ended', 'ready'], 30);

/* pieces: lists of { init, bodies } between discontinuities, each a continuous presentation by itself */
async function checkRuns(name, runs) {
  for (const [index, { init, bodies }] of runs.entries()) {
    const file = path.join(folder, `${name}-${index}.mp4`);
    fs.writeFileSync(file, Buffer.concat([init, ...bodies]));
    await run(settings.weir, ['check', file]);
    await decodesCleanly(file);
  }
}

function splitRuns(segments, inits) {
  const runs = [];
  for (const segment of segments.filter((s) => s.bytes)) {
    if (runs.length === 0 || segment.discontinuity)
      runs.push({ init: inits.get(segment.map), bodies: [] });
    runs.at(-1).bodies.push(segment.bytes);
  }
  return runs;
}

/* what a viewer saw who fetched everything: each run decodes; returns how many discontinuities there were */
async function checkLive(name, collector) {
  let discontinuities = 0;
  for (const [index, where] of collector.playlists.entries()) {
    const { segments, inits } = collector.tracks.get(where);
    assert.deepEqual(segments.map((s) => s.number), segments.map((s, i) => segments[0].number + i), `${where} has holes`);
    assert.ok(segments.every((s) => !s.gap), `${where} has gaps`);
    const runs = splitRuns(segments, inits);
    await checkRuns(`${name}-live${index}`, runs);
    discontinuities = Math.max(discontinuities, runs.length - 1);
  }
  return discontinuities;
}

/* the recording, track by track: [{ list, runs, seconds }] */
async function recording(weir, name, uid) {
  const tracks = [];
  for (const [index, { list }] of (await recordedPlaylists(weir, uid)).entries()) {
    const inits = new Map();
    for (const segment of list.segments) {
      inits.set(segment.map, await weir.bytes(segment.map));
      segment.bytes = await weir.bytes(segment.uri);
      assert.ok(segment.bytes, `${segment.uri} is listed and cannot be had`);
    }
    const runs = splitRuns(list.segments, inits);
    await checkRuns(`${name}-recording${index}`, runs);
    tracks.push({ list, runs, seconds: list.segments.reduce((sum, s) => sum + s.duration, 0) });
  }
  return tracks;
}

/* answers do not wait for the disk, whatever it does */
async function answersMeanwhile(weir, input) {
  for (const where of ['/healthz', `/${input.uid}/manifest/video.m3u8`, `/${input.uid}/manifest/muxed.m3u8`,
    `/${input.uid}/lifecycle`, `/${input.uid}/watch`, '/metrics']) {
    assert.equal((await weir.fetch(where, { signal: AbortSignal.timeout(5000) })).status, 200, where);
  }
}

test('a write that does not return for 30 s costs nothing but time', async () => {
  await withDisk('blocked', {}, async (weir, disk) => {
    const input = await weir.createInput();
    const encoder = publish(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const collector = new Collector(weir, input.uid).start();

    await moreSegments(weir, input, 2);
    disk.fail('block');
    const stuck = await countSegments(weir, input.uid);
    for (let i = 0; i < 10; i++) {
      await sleep(3000);
      await answersMeanwhile(weir, input);
    }
    assert.ok(await countSegments(weir, input.uid) <= stuck + 1, 'nothing was blocked');
    disk.heal();
    await until(() => `what came meanwhile after segment ${stuck}`, async () => await countSegments(weir, input.uid) >= stuck + 15, { seconds: 40 });
    assert.equal(encoder.code, undefined, encoder.tail());
    const get = await metrics(weir);
    assert.equal(get('weir_disk_lost_buffers_total'), 0);
    /* nobody waited for the disk */
    assert.ok(get('weir_worker_longest_push_seconds') < 5, `${get('weir_worker_longest_push_seconds')} s`);
    await encoder.stop();
    await ended(weir, input.uid);
    await collector.stop();
    assert.equal(await checkLive('blocked', collector), 0);
    for (const { list, seconds } of await recording(weir, 'blocked', videoUID)) {
      assert.ok(list.ended && list.segments.every((s) => !s.discontinuity));
      assert.ok(seconds > 33, `${seconds} s`);
    }
  });
});

test('what does not fit while the disk is stuck is lost as a whole, counted and marked', async () => {
  await withDisk('overflow', { 'limits.disk-queue': '1MiB' }, async (weir, disk) => {
    const input = await weir.createInput();
    const encoder = publish(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const collector = new Collector(weir, input.uid).start();

    await moreSegments(weir, input, 2);
    disk.fail('block', 'segments');
    await weir.process.waitFor(/Media is being lost: the disk is too slow/, 30);
    await sleep(5000);
    await answersMeanwhile(weir, input);
    disk.heal();
    await weir.process.waitFor(/Media goes on, \d+ buffers are lost/, 15);
    await moreSegments(weir, input, 2);
    assert.equal(encoder.code, undefined, encoder.tail());
    assert.ok((await metrics(weir))('weir_disk_lost_buffers_total') > 100);
    await encoder.stop();
    await ended(weir, input.uid);
    await collector.stop();
    assert.equal(await checkLive('overflow', collector), 1);
    for (const { list, runs } of await recording(weir, 'overflow', videoUID)) {
      assert.equal(runs.length, 2);
      const [before, after] = runs.map((r) => r.bodies);
      const at = list.segments.findIndex((s) => s.discontinuity);
      /* the dates say how long it was */
      const gap = (list.segments[at].date - list.segments[at - 1].date) / 1000 - list.segments[at - 1].duration;
      assert.ok(gap > 4 && gap < 30, `${gap} s`);
      assert.ok(before.length >= 2 && after.length >= 2);
    }
  });
});

for (const [fault, where, words] of [
  ['full', 'segments', /No space left on device/],
  ['full', '', /No space left on device/],
  ['broken', 'segments/spool', /Input\/output error/],
]) {
  const name = `${fault}${where === '' ? '-everything' : ''}`;
  test(`live goes on and the recording pauses while the disk is ${name}`, async () => {
    await withDisk(name, {}, async (weir, disk) => {
      const input = await weir.createInput();
      const encoder = publish(await clip(), input.publishUrl);
      const { videoUID } = await weir.waitForState(input.uid, 'live');
      const collector = new Collector(weir, input.uid).start();

      await moreSegments(weir, input, 2);
      disk.fail(fault, where);
      await weir.process.waitFor(new RegExp(`${videoUID}: the disk takes no segments: ${words.source}; recording is paused`), 40);
      await moreSegments(weir, input, 4);
      await answersMeanwhile(weir, input);
      let get = await metrics(weir);
      assert.equal(get('weir_disk_refused_broadcasts'), 1);
      assert.equal(get('weir_disk_refusals_total'), 1);
      assert.match((await weir.api('GET', `/live_inputs/${input.uid}`)).status.current.recordingPausedAt, /^20/);
      assert.match((await weir.cli(['status'])).stdout, /recording paused/);

      disk.heal();
      await weir.process.waitFor(new RegExp(`${videoUID}: the disk takes segments again after [\\d.]+ s`), 40);
      await moreSegments(weir, input, 2);
      get = await metrics(weir);
      assert.equal(get('weir_disk_refused_broadcasts'), 0);
      assert.equal(get('weir_disk_lost_buffers_total'), 0);
      assert.equal((await weir.api('GET', `/live_inputs/${input.uid}`)).status.current.recordingPausedAt, null);
      assert.equal(encoder.code, undefined, encoder.tail());
      const { segments } = parseMedia(await weir.text(`/${videoUID}/manifest/muxed.m3u8`));
      await encoder.stop();
      await ended(weir, input.uid);
      /* who is behind has the time to fetch what was listed before the end, be it in memory only */
      for (const { uri } of segments)
        assert.ok(await weir.bytes(uri), `${uri} was listed and cannot be had`);
      await collector.stop();
      /* those who watched saw nothing of it */
      assert.equal(await checkLive(name, collector), 0);
      for (const { list, seconds } of await recording(weir, name, videoUID)) {
        assert.equal(list.segments.filter((s) => s.discontinuity).length, 1);
        assert.ok(list.ended && seconds >= 8, `${seconds} s`);
      }
      assert.equal(weir.process.output.match(/the disk takes no segments/g).length, 1);
      await until('an empty spool', () => fs.readdirSync(path.join(weir.state, 'segments', 'spool')).length === 0);
    });
  });
}

/* a state directory with one recording */
async function record(name, state) {
  let input, uid;
  fs.mkdirSync(state, { recursive: true });
  await withWeir({ state }, async (weir) => {
    input = await weir.createInput();
    const encoder = publish(await clip(), input.publishUrl);
    uid = (await weir.waitForState(input.uid, 'live')).videoUID;
    await moreSegments(weir, input, 2);
    await encoder.stop();
    await ended(weir, input.uid);
  });
  return { input, uid };
}

const publishUrl = (weir, input) => `rtmp://${weir.address('rtmp')}/live/${input.rtmp.streamKey}`;

test('a daemon that starts on a full disk serves its recordings, and takes broadcasts once there is room', async () => {
  const state = path.join(folder, 'start');
  const { input, uid } = await record('start', state);
  const control = path.join(folder, 'start.fault');
  const env = { LD_PRELOAD: path.join(settings.build, 'tests/support/libfaultydisk.so'), WEIR_FAULTY_DISK: control };

  fs.writeFileSync(control, `full ${state}`);
  await withWeir({ state, env }, async (weir) => {
    assert.match(weir.process.output, /weir\.db cannot be written: .*recordings are served/);
    assert.ok((await recording(weir, 'start', uid)).length === 2);
    assert.equal((await weir.api('GET', `/live_inputs/${input.uid}`)).uid, input.uid);
    assert.equal((await weir.call('POST', '/live_inputs', {})).status, 503);
    const refused = publish(await clip(), publishUrl(weir, input));
    assert.notEqual(await refused.exited, 0);

    fs.rmSync(control);
    const encoder = publish(await clip(), publishUrl(weir, input));
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    await weir.process.waitFor(/weir\.db can be written again/);
    await moreSegments(weir, { uid: input.uid }, 1);
    await encoder.stop();
    await ended(weir, input.uid);
    assert.ok((await recording(weir, 'start-again', videoUID)).length === 2);
  });
});

test('what a daemon that died has left is salvaged once the disk has room for it', async () => {
  const state = path.join(folder, 'salvage');
  const control = path.join(folder, 'salvage.fault');
  const env = { LD_PRELOAD: path.join(settings.build, 'tests/support/libfaultydisk.so'), WEIR_FAULTY_DISK: control };
  let input, uid, seen;

  fs.mkdirSync(state, { recursive: true });
  const first = await Weir.start({ state, env });
  input = await first.createInput();
  const encoder = publish(await clip(), input.publishUrl);
  uid = (await first.waitForState(input.uid, 'live')).videoUID;
  await moreSegments(first, input, 1);
  /* objects are stored, and their entries are not */
  fs.writeFileSync(control, `block ${path.join(state, 'weir.db-wal')}`);
  await moreSegments(first, input, 2);
  seen = await countSegments(first, input.uid);
  await until('the objects', () => fs.readdirSync(path.join(state, 'segments', uid)).length >= seen);
  await first.kill();
  await encoder.stop('SIGKILL');

  fs.writeFileSync(path.join(state, 'segments', 'spool', `${'0'.repeat(32)}-1-1.open`), 'of nobody');
  fs.writeFileSync(path.join(state, 'segments', 'spool', 'notes.txt'), 'not ours');
  fs.writeFileSync(control, `full ${state}`);
  await withWeir({ state, env }, async (weir) => {
    assert.match(weir.process.output, new RegExp(`${uid}: cannot be claimed`));
    await sleep(1000);
    fs.rmSync(control);
    await weir.process.waitFor(new RegExp(`${uid}: ended by a restart`), 20);
    for (const { list } of await recording(weir, 'salvage', uid)) {
      assert.ok(list.ended && list.segments.length >= seen, `${list.segments.length} of ${seen}`);
      assert.ok(list.segments.every((s) => !s.discontinuity));
    }
    assert.deepEqual(fs.readdirSync(path.join(state, 'segments', 'spool')), ['notes.txt']);
  });
});

test('an end that cannot be committed waits for the disk', async () => {
  await withDisk('end', {}, async (weir, disk) => {
    const input = await weir.createInput();
    const encoder = publish(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');

    await moreSegments(weir, input, 2);
    disk.fail('full');
    await moreSegments(weir, input, 1);
    await encoder.stop();
    await weir.process.waitFor(new RegExp(`${videoUID}: (its end|segment \\d+) was not committed`));
    await sleep(6000);
    disk.heal();
    await weir.waitForState(input.uid, ['idle', 'ready']);
    for (const { list, seconds } of await recording(weir, 'end', videoUID))
      assert.ok(list.ended && seconds > 3);
    assert.deepEqual(fs.readdirSync(path.join(weir.state, 'segments', 'spool')), []);
  });
});

/* body(mount): a file system of its own, where this may be made at all */
async function withFileSystem(name, size, body) {
  const mount = path.join(folder, name);
  fs.mkdirSync(mount, { recursive: true });
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'weir-test', mount], { check: false });
  if (mounted.code !== 0) {
    console.log(`   NOT DONE: ${mounted.output.trim()}`);
    return;
  }
  try {
    await body(mount);
  } finally {
    await run('umount', ['-l', mount], { check: false });
  }
}

for (const [name, minFree, megabytes] of [['a file system without a byte left', '0%', 64], ['less free than recording.min-free', '50%', 24]])
  test(`live goes on with ${name}, and recording afterwards`, async () => {
    await withFileSystem(`tmpfs-${megabytes}`, '32m', async (mount) => {
      const state = path.join(mount, 'state');
      fs.mkdirSync(state);
      await withWeir({ state, options: { 'recording.min-free': minFree } }, async (weir) => {
        const input = await weir.createInput();
        const encoder = publish(await clip(), input.publishUrl);
        const { videoUID } = await weir.waitForState(input.uid, 'live');
        const collector = new Collector(weir, input.uid).start();

        await moreSegments(weir, input, 2);
        /* as much of a file as there is room for */
        await run('dd', ['if=/dev/zero', `of=${mount}/filler`, 'bs=1M', `count=${megabytes}`], { check: false });
        await weir.process.waitFor(new RegExp(`${videoUID}: the disk takes no segments: ${minFree === '0%' ? 'No space' : 'less than 50 % free'}`), 40);
        await moreSegments(weir, input, 3);
        await answersMeanwhile(weir, input);
        fs.rmSync(`${mount}/filler`);
        await weir.process.waitFor(new RegExp(`${videoUID}: the disk takes segments again`), 40);
        await moreSegments(weir, input, 1);
        assert.equal(encoder.code, undefined, encoder.tail());
        await encoder.stop();
        await ended(weir, input.uid);
        await collector.stop();
        assert.equal(await checkLive(`tmpfs${megabytes}`, collector), 0);
        for (const { list, seconds } of await recording(weir, `tmpfs${megabytes}`, videoUID)) {
          assert.equal(list.segments.filter((s) => s.discontinuity).length, 1);
          assert.ok(list.ended && seconds >= 6, `${seconds} s`);
        }
      });
    });
  });
