// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes on while a daemon is restarted: an encoder that comes back, a viewer who keeps asking.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { checkMedia, mediaPlaylists, parseMedia, recordedPlaylists } from './hls.mjs';
import { Process, run } from './process.mjs';
import { sleep, until } from './wait.mjs';
import { settings, Weir } from './weir.mjs';

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
 * All of a recording's tracks pass the strict checker, an init before each discontinuity; returns the lists, each with its `playlist`'s
 * path, their segments with `bytes` and `init`. name: of the files that it makes, without an extension
 */
export async function checkRecording(weir, uid, name) {
  const lists = [];

  for (const { playlist, list } of await recordedPlaylists(weir, uid)) {
    const where = (uri) => new URL(uri, new URL(playlist, 'http://x/')).pathname;
    const pieces = [];
    checkMedia(list, playlist);
    assert.ok(list.ended, `${playlist} has no end`);
    for (const [index, segment] of list.segments.entries()) {
      if (segment.gap)
        continue;
      if (index === 0 || segment.discontinuity) {
        segment.init = await weir.bytes(where(segment.map));
        pieces.push(segment.init);
      }
      segment.bytes = await weir.bytes(where(segment.uri));
      assert.ok(segment.bytes, `${segment.uri} is listed and cannot be had`);
      pieces.push(segment.bytes);
    }
    const file = `${name}-${path.basename(playlist)}.mp4`;
    fs.writeFileSync(file, Buffer.concat(pieces));
    await run(settings.weir, ['check', file]);
    lists.push({ ...list, playlist });
  }
  return lists;
}

/**
 * Asks for the playlists of one URL all the time, whether there is a daemon or not, and fetches what they list. What must
 * hold of a playlist's URL whatever happens to the daemon is asserted as it comes.
 */
export class Viewer {
  /* every: ms; muxed: asks for the playlist of whole objects too, by that URL's id */
  constructor(weir, id, { every = 150, muxed = false } = {}) {
    this.weir = weir;
    this.id = id;
    this.every = every;
    this.muxed = muxed;
    /* path → { list, seen: Map (media sequence → entry), breaks: Map (→ discontinuity sequence), looked (when), slowest (s: the longest it was not
     * looked at), answered (when the daemon said so), unseen: [media sequence], of what was listed while this process had no time to look } */
    this.tracks = new Map();
    this.rounds = 0;
    this.stopped = false;
    this.done = this.#follow();
    this.done.catch(() => {});
  }

  async #get(where) {
    const sent = Date.now();
    try {
      const response = await fetch(new URL(where, this.weir.url));
      return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()), sent, answered: Date.parse(response.headers.get('date')) };
    } catch {
      return { status: 0 };
    }
  }

  async #follow() {
    while (!this.stopped) {
      await this.round();
      await sleep(this.every);
    }
  }

  async round() {
    const where = `/${this.id}/manifest/video.m3u8`;
    const { status, bytes } = await this.#get(where);

    if (status === 0 || status === 204)
      return;
    assert.equal(status, 200, `${where}: ${status} ${bytes}`);
    const lists = await mediaPlaylists(async () => bytes.toString(), where);
    /* players go on with the playlists that they have until these end */
    const going = [...this.tracks].filter(([, { list }]) => !list.ended).map(([path]) => path);
    for (const list of new Set([...lists, ...this.muxed ? [`/${this.id}/manifest/muxed.m3u8`] : [], ...going]))
      await this.#look(list);
    this.rounds++;
  }

  async #look(path) {
    const { status, bytes, sent, answered } = await this.#get(path);
    if (status === 0)
      return;
    assert.equal(status, 200, `${path}: ${status} ${bytes}`);
    const list = parseMedia(bytes.toString());
    const now = performance.now();
    const track = this.tracks.get(path) ?? { seen: new Map(), breaks: new Map(), list: null, looked: performance.now(), slowest: 0, unseen: [] };
    this.tracks.set(path, track);
    track.slowest = Math.max(track.slowest, (now - track.looked) / 1000);
    track.looked = now;
    if (track.list) {
      const end = (l) => l.mediaSequence + l.segments.length;
      /* gaps behind the last media are not in a playlist that has ended */
      const least = list.ended ? (l) => l.mediaSequence + l.segments.findLastIndex(({ gap }) => !gap) + 1 : end;
      assert.equal(list.targetDuration, track.list.targetDuration, `${path}: the target duration changed`);
      assert.ok(list.mediaSequence >= track.list.mediaSequence, `${path}: media sequence ${list.mediaSequence} after ${track.list.mediaSequence}`);
      assert.ok(end(list) >= least(track.list), `${path}: ends at ${end(list)} after ${least(track.list)}`);
      assert.ok((list.discontinuitySequence ?? 0) >= (track.list.discontinuitySequence ?? 0), `${path}: the discontinuity sequence went back`);
      assert.ok(!track.list.ended || list.ended, `${path}: an end was taken back`);
    }
    /* of a track that stopped long before there is nothing else */
    assert.ok(!list.ended || !list.segments.at(-1).gap || list.segments.every(({ gap }) => gap), `${path} ends with a gap:\n${bytes}`);
    /* what has closed is listed for three target durations, and dates have whole seconds; a daemon that stands still does not count */
    if (track.list && sent - track.answered > 3000 * list.targetDuration + 1000)
      for (let number = track.list.mediaSequence + track.list.segments.length; number < list.mediaSequence; number++)
        track.unseen.push(number);
    track.answered = answered;
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
        if (!known.unread)
          continue;
      }
      const before = track.seen.get(number - 1);
      if (before?.date && segment.date)
        assert.ok(segment.date > before.date, `${path}: ${number} is dated before ${number - 1}`);
      const entry = { ...segment, number };
      if (!segment.gap) {
        const answer = await this.#get(new URL(segment.uri, new URL(path, 'http://x/')).pathname);
        /* it is asked for again while it is listed */
        entry.unread = answer.status === 0;
        if (!entry.unread) {
          assert.equal(answer.status, 200, `${segment.uri} is listed: ${answer.status}`);
          entry.bytes = answer.bytes;
        }
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

  /* waits until every playlist has said that it has ended; what went wrong with following them is told at once, and not that they did not end */
  async end(seconds = 30) {
    await until(() => `an end of ${[...this.tracks.keys()].join(' ')}`, async () => {
      await Promise.race([this.done, null]);
      return this.tracks.size > 0 && [...this.tracks.values()].every(({ list }) => list.ended);
    }, { seconds });
    return this.stop();
  }

  async stop() {
    this.stopped = true;
    await this.done;
    return this;
  }
}
