// SPDX-License-Identifier: LGPL-2.1-or-later
// A killed daemon denies nothing that a viewer has seen.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { mediaPlaylists, parseMedia } from './support/hls.mjs';
import { decodesCleanly, makeReference } from './support/media.mjs';
import { Process, run } from './support/process.mjs';
import { test } from './support/test.mjs';
import { until } from './support/wait.mjs';
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
