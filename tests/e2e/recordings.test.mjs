// SPDX-License-Identifier: LGPL-2.1-or-later
// Recordings: read while they are made, listed, edited, counted, and deleted in every way there is.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { countSegments, mediaPlaylists, parseMedia, recordedPlaylists } from './support/hls.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { play } from './support/player.mjs';
import { run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { sleep, until } from './support/wait.mjs';
import { settings, sharedWeir, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('recordings');
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 60 }));
const short = shared(() => makeReference(path.join(folder, 'short.flv'), { seconds: 6 }));
const daemon = sharedWeir({ options: { 'recording.timeout': '2s' } });

const publish = publishers['ffmpeg'];
const atOnce = publishers['ffmpeg at once'];

const hasSegments = (weir, input, count) => until(`${count} segments`,
  async () => await countSegments(weir, input.uid) >= count, { seconds: 25 });

/* a recording of the short clip; returns its uid */
async function record(weir, body = {}) {
  const input = await weir.createInput(body);
  const encoder = atOnce(await short(), input.publishUrl);
  /* it may be over before anyone has looked */
  const video = await until('the recording to be ready', async () =>
    (await weir.api('GET', `?live_input_id=${input.uid}&status=ready`))[0], { seconds: 30, every: 100 });
  await encoder.stop();
  return { input, uid: video.uid };
}

const isGone = async (weir, uid) => (await weir.call('GET', `/${uid}`)).status === 404;

const objects = (weir, uid) => {
  const where = path.join(weir.state, 'segments', uid);
  return fs.existsSync(where) ? fs.readdirSync(where) : [];
};

test('a recording is read while it is made, and the same bytes at once after its end', { seconds: 120 }, async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const encoder = publish(await clip(), input.publishUrl);
  const seen = new Map();
  let last = null;

  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const read = async () => {
    const list = parseMedia(await weir.text(`/${videoUID}/manifest/muxed-all.m3u8`));

    assert.equal(list.mediaSequence, 0);
    for (const [index, { uri, gap }] of list.segments.entries()) {
      assert.ok(!gap, `${uri} is a gap`);
      if (seen.has(index))
        assert.equal(uri, seen.get(index).uri);
      else
        seen.set(index, { uri, bytes: await weir.bytes(uri) });
    }
    assert.ok(last === null || list.segments.length >= last.segments.length);
    last = list;
    return list;
  };
  await hasSegments(weir, input, 9);
  await read();
  assert.equal(last.type, undefined);
  /* the window is shorter by then, and the whole is what `dvrEnabled` shows */
  const window = parseMedia(await weir.text(`/${videoUID}/manifest/muxed.m3u8`));
  assert.ok(window.mediaSequence > 0);
  const dvr = await mediaPlaylists((url) => weir.text(url), `/${input.uid}/manifest/video.m3u8?dvrEnabled=true`);
  const live = await mediaPlaylists((url) => weir.text(url), `/${input.uid}/manifest/video.m3u8`);
  assert.deepEqual(dvr, live.map((where) => where.replace('.m3u8', '-all.m3u8')));
  const sums = await weir.api('GET', '/storage-usage');
  assert.ok(sums.totalStorageBytes > 0 && sums.totalStorageMinutes > 0, JSON.stringify(sums));
  assert.equal((await weir.api('GET', `/${videoUID}`)).status.state, 'live-inprogress');

  await encoder.stop('SIGTERM');
  await until('the end', async () => (await read()).ended, { seconds: 20 });
  assert.equal(last.type, 'VOD');
  for (const { uri, bytes } of seen.values())
    assert.ok(bytes.equals(await weir.bytes(uri)), `${uri} has other bytes after the end`);
  await recordedPlaylists(weir, videoUID);
  assert.deepEqual(parseMedia(await weir.text(`/${videoUID}/manifest/muxed-all.m3u8`)), last);
  const video = await weir.api('GET', `/${videoUID}`);
  const duration = last.segments.reduce((sum, segment) => sum + segment.duration, 0);
  assert.ok(Math.abs(video.duration - duration) < 0.1, `${video.duration} s, listed are ${duration} s`);
  assert.deepEqual(video.input, { width: 320, height: 180 });
  const init = await weir.bytes(last.segments[0].map);
  const file = path.join(folder, 'whole.mp4');
  fs.writeFileSync(file, Buffer.concat([init, ...[...seen.values()].map(({ bytes }) => bytes)]));
  await run(settings.weir, ['check', file]);
});

test('recordings are listed, filtered, edited and deleted', { seconds: 90 }, async () => {
  const weir = await daemon();
  const { input, uid } = await record(weir, { meta: { name: 'Concert' }, defaultCreator: 'ann' });
  const [video] = await weir.api('GET', `?live_input_id=${input.uid}`);

  assert.equal(video.uid, uid);
  assert.match(video.meta.name, /^Concert \d\d [A-Z][a-z]{2} \d\d \d\d:\d\d UTC$/);
  assert.equal(video.creator, 'ann');
  assert.equal(video.status.state, 'ready');
  await weir.api('POST', `/${uid}`, { meta: { name: 'Other' }, creator: 'bob' });
  assert.deepEqual((await weir.api('GET', '?creator=ann&search=concert')).filter((v) => v.uid === uid), []);
  assert.equal((await weir.api('GET', `?video_name=Other&creator=bob`))[0].uid, uid);
  const listed = parseMedia(await weir.text(`/${uid}/manifest/track0-all.m3u8`));
  await weir.api('DELETE', `/${uid}`);
  assert.ok(await isGone(weir, uid));
  assert.equal((await weir.fetch(`/${uid}/manifest/video.m3u8`)).status, 404);
  assert.equal((await weir.fetch(listed.segments[0].uri)).status, 404);
  assert.equal((await weir.fetch(listed.segments[0].map)).status, 404);
  assert.equal((await weir.call('DELETE', `/${uid}`)).status, 404);
  await until('its objects to be removed', () => objects(weir, uid).length === 0, { seconds: 30 });
  await until('its mark to be removed', () => !objects(weir, 'deleted').includes(uid));
});

test('a download that is under way is finished when its recording is deleted', { seconds: 90 }, async () => {
  const weir = await daemon();
  const { uid } = await record(weir);
  const { segments } = parseMedia(await weir.text(`/${uid}/manifest/muxed-all.m3u8`));
  const expected = await weir.bytes(segments[0].uri);
  const pieces = [];

  /* what fits neither into the sockets' buffers nor is read: the answer has begun and waits */
  const response = await new Promise((resolve, reject) =>
    http.get(new URL(segments[0].uri, weir.url), { highWaterMark: 1024 }, resolve).on('error', reject));
  response.pause();
  await weir.api('DELETE', `/${uid}`);
  assert.equal((await weir.fetch(segments[0].uri)).status, 404);
  await until('its objects to be removed', () => objects(weir, uid).length === 0, { seconds: 30 });
  response.on('data', (piece) => pieces.push(piece));
  response.resume();
  await new Promise((resolve) => response.on('end', resolve));
  assert.ok(Buffer.concat(pieces).equals(expected));
});

test('a recording that is deleted while a browser plays it ends there and nowhere else', { seconds: 120, browser: true }, async () => {
  const weir = await daemon();
  const [doomed, other] = await Promise.all([record(weir), record(weir)]);
  const player = await play(weir, doomed.uid, { lead: 1 });

  await weir.api('DELETE', `/${doomed.uid}`);
  assert.ok(await isGone(weir, doomed.uid));
  assert.equal((await weir.fetch(`/${other.uid}/manifest/video.m3u8`)).status, 200);
  assert.ok(player);
});

test('a broadcast that runs is ended by the deletion of its recording', { seconds: 90 }, async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const encoder = publish(await clip(), input.publishUrl);
  const { videoUID } = await weir.waitForState(input.uid, 'live');

  await hasSegments(weir, input, 2);
  await weir.api('DELETE', `/${videoUID}`);
  assert.ok(await isGone(weir, videoUID));
  await encoder.stop();
  await until('its objects to be removed', () => objects(weir, videoUID).length === 0, { seconds: 30 });
  assert.equal((await weir.fetch(`/${videoUID}/manifest/video.m3u8`)).status, 404);
});

test('recordings go at their time, or some time after their end', { seconds: 90 }, async () => {
  await withWeir({ options: { 'recording.delete-after': '3s' } }, async (weir) => {
    const [kept, scheduled, after] = await Promise.all([record(weir), record(weir), record(weir)]);

    await weir.api('POST', `/${kept.uid}`, { scheduledDeletion: null });
    await weir.api('POST', `/${scheduled.uid}`, { scheduledDeletion: new Date(Date.now() + 1500).toISOString() });
    await until('both to be gone', async () => await isGone(weir, scheduled.uid) && await isGone(weir, after.uid), { seconds: 20 });
    assert.equal((await weir.api('GET', `/${kept.uid}`)).scheduledDeletion, null);
  });
});

test('an input goes with its recordings, or leaves them', { seconds: 90 }, async () => {
  const weir = await daemon();
  const [with_, without] = await Promise.all([record(weir), record(weir)]);

  await weir.api('DELETE', `/live_inputs/${without.input.uid}`);
  assert.equal((await weir.api('GET', `/${without.uid}`)).uid, without.uid);
  await weir.api('DELETE', `/live_inputs/${with_.input.uid}?recordings=delete`);
  assert.ok(await isGone(weir, with_.uid));
  assert.equal((await weir.fetch(`/${without.uid}/manifest/video.m3u8`)).status, 200);
});

test('with recordings enough nothing more is recorded, and live goes on', { seconds: 120 }, async () => {
  await withWeir({ options: { 'recording.max-size': '300KiB' } }, async (weir) => {
    const { uid } = await record(weir);
    const input = await weir.createInput();
    const encoder = publish(await clip(), input.publishUrl);

    await weir.waitForState(input.uid, 'live');
    await until('recording to be paused', async () =>
      (await weir.api('GET', `/live_inputs/${input.uid}`)).status.current.recordingPausedAt !== null, { seconds: 30 });
    const before = await countSegments(weir, input.uid);
    await until('more segments', async () => await countSegments(weir, input.uid) > before + 2, { seconds: 30 });
    assert.equal((await weir.api('GET', `/${uid}`)).uid, uid);
    await weir.api('DELETE', `/${uid}`);
    await encoder.stop();
  });
});

test('the oldest recordings make room where that is wanted', { seconds: 120 }, async () => {
  await withWeir({ options: { 'recording.max-size': '1MiB', 'recording.delete-oldest': 'true' } }, async (weir) => {
    const first = await record(weir);

    for (let i = 0; i < 6 && !await isGone(weir, first.uid); i++) {
      await record(weir);
      await sleep(2500);
    }
    assert.ok(await isGone(weir, first.uid));
  });
});
