// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes on while a daemon is restarted: an encoder that comes back, a viewer who keeps asking.

import assert from 'node:assert/strict';
import { mediaPlaylists, parseMedia } from './hls.mjs';
import { Process } from './process.mjs';
import { sleep } from './wait.mjs';
import { Weir } from './weir.mjs';

/* a daemon that comes back where it was */
export async function startAgain(weir, options) {
  return Weir.start({ state: weir.state,
    options: { ...options, 'http.listen': weir.address('http'), 'rtmp.listen': weir.address('rtmp') } });
}

/* ffmpeg in real time, again and again until it is stopped, as an encoder that reconnects does */
export class ReturningEncoder {
  constructor(file, url) {
    this.stopped = false;
    this.count = 0;
    this.done = this.#run(file, url);
  }

  async #run(file, url) {
    while (!this.stopped) {
      this.count++;
      this.process = new Process('ffmpeg', ['-v', 'error', '-re', '-stream_loop', '-1', '-i', file, '-c', 'copy', '-f', 'flv', url]);
      await this.process.exited;
      await sleep(300);
    }
  }

  async stop(name = 'SIGTERM') {
    this.stopped = true;
    await this.process.stop(name);
    await this.done;
  }
}

/**
 * Asks for the playlists of one URL all the time, whether there is a daemon or not, and fetches what they list. What must
 * hold of a playlist's URL whatever happens to the daemon is asserted as it comes.
 */
export class Viewer {
  constructor(weir, id) {
    this.weir = weir;
    this.id = id;
    this.tracks = new Map(); // path → { list, seen: Map (media sequence → entry), breaks: Map (→ discontinuity sequence) }
    this.rounds = 0;
    this.stopped = false;
    this.done = this.#follow();
    this.done.catch(() => {});
  }

  async #get(where) {
    try {
      const response = await fetch(new URL(where, this.weir.url));
      return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
    } catch {
      return { status: 0 };
    }
  }

  async #follow() {
    while (!this.stopped) {
      await this.round();
      await sleep(150);
    }
  }

  async round() {
    const where = `/${this.id}/manifest/video.m3u8`;
    const { status, bytes } = await this.#get(where);

    if (status === 0 || status === 204)
      return;
    assert.equal(status, 200, `${where}: ${status} ${bytes}`);
    for (const path of await mediaPlaylists(async () => bytes.toString(), where))
      await this.#look(path);
    this.rounds++;
  }

  async #look(path) {
    const { status, bytes } = await this.#get(path);
    if (status === 0)
      return;
    assert.equal(status, 200, `${path}: ${status} ${bytes}`);
    const list = parseMedia(bytes.toString());
    const track = this.tracks.get(path) ?? { seen: new Map(), breaks: new Map(), list: null };
    this.tracks.set(path, track);
    if (track.list) {
      const end = (l) => l.mediaSequence + l.segments.length;
      assert.equal(list.targetDuration, track.list.targetDuration, `${path}: the target duration changed`);
      assert.ok(list.mediaSequence >= track.list.mediaSequence, `${path}: media sequence ${list.mediaSequence} after ${track.list.mediaSequence}`);
      assert.ok(end(list) >= end(track.list), `${path}: ends at ${end(list)} after ${end(track.list)}`);
      assert.ok((list.discontinuitySequence ?? 0) >= (track.list.discontinuitySequence ?? 0), `${path}: the discontinuity sequence went back`);
      assert.ok(!track.list.ended || list.ended, `${path}: an end was taken back`);
    }
    track.list = list;
    let breaks = list.discontinuitySequence ?? 0;
    for (const [index, segment] of list.segments.entries()) {
      const number = list.mediaSequence + index;
      const known = track.seen.get(number);

      breaks += segment.discontinuity ? 1 : 0;
      assert.equal(track.breaks.get(number) ?? breaks, breaks, `${path}: ${number} is behind another number of discontinuities`);
      track.breaks.set(number, breaks);
      if (known) {
        /* of a segment whose bytes are gone there is a gap */
        assert.ok(segment.gap || (segment.uri === known.uri && !known.gap), `${path}: ${number} was ${known.uri}, is ${segment.uri}`);
        if (segment.gap === known.gap)
          assert.equal(segment.date, known.date, `${path}: ${number} has another date`);
        continue;
      }
      const before = track.seen.get(number - 1);
      if (before?.date && segment.date)
        assert.ok(segment.date > before.date, `${path}: ${number} is dated before ${number - 1}`);
      const entry = { ...segment, number };
      if (!segment.gap) {
        const answer = await this.#get(new URL(segment.uri, new URL(path, 'http://x/')).pathname);
        if (answer.status === 0)
          continue;
        assert.equal(answer.status, 200, `${segment.uri} is listed: ${answer.status}`);
        entry.bytes = answer.bytes;
      }
      track.seen.set(number, entry);
    }
  }

  /* the newest media sequence number that any playlist lists */
  get newest() {
    return Math.max(-1, ...[...this.tracks.values()].map(({ seen }) => Math.max(-1, ...seen.keys())));
  }

  get segments() {
    return [...this.tracks.values()].flatMap(({ seen }) => [...seen.values()]);
  }

  async stop() {
    this.stopped = true;
    await this.done;
    return this;
  }
}
