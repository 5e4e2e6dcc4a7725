// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever an encoder sends comes out whole: each kind of publisher and stream against one daemon, all at once.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { Collector, parseMedia, wholePlaylist } from './support/hls.mjs';
import { decodesCleanly, makeReference, publishers, sameAsReference } from './support/media.mjs';
import { firstTimes } from './support/mp4.mjs';
import { run } from './support/process.mjs';
import { test } from './support/test.mjs';
import { settings, sharedWeir, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('publishers');
const daemon = sharedWeir();

/* segments within a GOP of 10 s end at its keyframes, so that one needs longer than the others */
const cases = [
  { name: 'ffmpeg with B-frames', video: { bframes: 2 } },
  { name: 'ffmpeg without B-frames', video: { bframes: 0 } },
  { name: 'ffmpeg with sound only', video: null },
  { name: 'ffmpeg with video only', video: {}, audio: false },
  { name: 'ffmpeg with a keyframe every second', video: { gop: 25 } },
  { name: 'ffmpeg with a keyframe every 10 s', video: { gop: 250 }, seconds: 24 },
  { name: 'ffmpeg at 29.97 frames a second', video: { rate: '30000/1001', gop: 60 } },
  { name: 'ffmpeg at 60 frames a second', video: { rate: '60', gop: 120 } },
  { name: 'ffmpeg into an input that does not record', video: {}, recording: 'off' },
  { name: 'rtmp2sink', video: {}, publisher: 'rtmp2sink' },
  { name: 'FFmpeg 8', video: {}, publisher: 'node-av' },
  { name: 'FFmpeg 8 whose sound comes 800 ms late', video: {}, publisher: 'node-av, sound 800 ms late' },
  { name: 'FFmpeg 8 with sound only', video: null, publisher: 'node-av', long: true },
  { name: 'ffmpeg with 5 B-frames', video: { bframes: 5 }, long: true },
  { name: 'ffmpeg for two minutes', video: {}, seconds: 120, long: true },
];

async function writeFiles(collector, name, { video, audio }) {
  const files = {};

  for (const playlist of collector.playlists) {
    const file = path.join(folder, `${name}-${path.basename(playlist, '.m3u8')}.mp4`);
    fs.writeFileSync(file, collector.whole(playlist));
    const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_type', '-of', 'csv=p=0', file]);
    const kinds = stdout.trim().split(/\s+/);
    assert.equal(kinds.length, 1, `${playlist} has ${kinds.length} tracks`);
    assert.ok(!files[kinds[0]], `two playlists of ${kinds[0]}`);
    files[kinds[0]] = file;
  }
  files.muxed = path.join(folder, `${name}-muxed.mp4`);
  fs.writeFileSync(files.muxed, collector.whole(collector.muxed));
  assert.deepEqual(Object.keys(files).sort(), [...(audio ? ['audio'] : []), 'muxed', ...(video ? ['video'] : [])]);
  return files;
}

for (const [index, { name, video, audio = true, publisher = 'ffmpeg', seconds = 12, recording, long }] of cases.entries()) {
  test(`everything from ${name} comes out, once and in step`, { seconds: seconds + 120, long }, async () => {
    const reference = await makeReference(path.join(folder, `${index}.flv`), { video, audio, seconds });
    const weir = await daemon();
    const input = await weir.createInput({ meta: { name }, ...(recording ? { recording: { mode: recording } } : {}) });
    const collector = new Collector(weir, input.uid).start();
    const encoder = publishers[publisher](reference, input.publishUrl);

    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const code = await encoder.exited;
    assert.equal(code, 0, `${encoder.command}: ${encoder.tail()}`);
    await weir.waitForState(input.uid, ['ended', 'ready', 'idle']);
    await collector.stopAtTheEnd();

    const files = await writeFiles(collector, String(index), { video, audio });
    for (const file of Object.values(files))
      await decodesCleanly(file);
    const rate = video ? (video.rate ?? '25').split('/').map(Number) : [25];
    await sameAsReference(reference, files, { video, audio, frame: (rate[1] ?? 1) / rate[0] });
    for (const file of Object.values(files))
      for (const { kind, first, decode } of firstTimes(fs.readFileSync(file)).values())
        assert.ok(Math.abs(first - decode) < 0.0005, `${file}: ${kind} would begin in a hole of ${first - decode} s`);

    /* the sound is cut where the picture is: its first frame in a segment is the first from there on */
    if (video && audio && video.gop !== 250) {
      const starts = { video: [], audio: [] };
      for (const playlist of collector.playlists) {
        const { inits, segments } = collector.tracks.get(playlist);
        for (const { bytes } of segments)
          for (const { kind, first } of firstTimes(Buffer.concat([...inits.values(), bytes])).values())
            starts[kind].push(first);
      }
      assert.equal(starts.audio.length, starts.video.length);
      for (let i = 1; i < starts.video.length; i++) {
        const behind = starts.audio[i] - starts.video[i];
        assert.ok(behind > -0.002 && behind < 0.024, `sound of segment ${i} begins ${behind} s behind the picture`);
      }
    }

    /* each object passes the strict checker, alone and in order */
    for (const [playlist, { inits, segments }] of collector.tracks) {
      const parts = [...inits.values(), ...segments.map((segment) => segment.bytes)].map((bytes, i) => {
        const file = path.join(folder, `${index}-${path.basename(playlist, '.m3u8')}-${String(i).padStart(4, '0')}.mp4`);
        fs.writeFileSync(file, bytes);
        return file;
      });
      await run(settings.weir, ['check', ...parts]);
    }

    if (recording === 'off')
      return;
    /* the recording lists what the live playlists listed; until it is ready there is the live window only */
    await weir.waitForState(videoUID, 'ready', 60);
    for (const [live, { segments }] of collector.tracks) {
      const list = parseMedia(await weir.text(`/${videoUID}/manifest/${path.basename(wholePlaylist(live))}`));
      assert.ok(list.ended, `${live}: the recording's playlist has no end`);
      assert.deepEqual(list.segments.map((s) => path.basename(s.uri)), segments.map((s) => path.basename(s.uri)));
      for (const segment of segments) {
        const again = await weir.bytes(segment.where);
        assert.ok(again?.equals(segment.bytes), `${segment.where} changed`);
      }
    }
  });
}

test('a file that is sent at once comes in whole, at the pace of the clock', { seconds: 120 }, async () => {
  const shape = { video: {}, audio: true };
  const reference = await makeReference(path.join(folder, 'at-once.flv'), { ...shape, seconds: 16 });
  await withWeir({ options: { 'limits.rtmp-lead': '5s' } }, async (weir) => {
    const input = await weir.createInput({ meta: { name: 'at once' } });
    const from = performance.now();
    const encoder = publishers['ffmpeg at once'](reference, input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    assert.equal(await encoder.exited, 0, `${encoder.command}: ${encoder.tail()}`);
    await weir.waitForState(input.uid, ['ended', 'ready', 'idle']);
    const seconds = (performance.now() - from) / 1000;
    /* 5 s ahead, and its clock may be 5 % fast */
    assert.ok(seconds > 9, `16 s of media came in ${seconds} s`);

    /* until then the playlists are those of the live window, which do not begin at the beginning */
    await weir.waitForState(videoUID, 'ready', 60);
    const collector = await new Collector(weir, videoUID).start().stopAtTheEnd();
    const files = await writeFiles(collector, 'at-once', shape);
    for (const file of Object.values(files))
      await decodesCleanly(file);
    await sameAsReference(reference, files, { ...shape, frame: 1 / 25 });
  });
});
