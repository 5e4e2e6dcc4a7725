// SPDX-License-Identifier: LGPL-2.1-or-later
// HLS playlists: reading them, and gathering all that a broadcast lists while it runs.

import assert from 'node:assert/strict';
import { sleep, until } from './wait.mjs';

function attributes(text) {
  return Object.fromEntries([...text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)]
    .map(([, name, value]) => [name, value.replace(/^"|"$/g, '')]));
}

export function parseMultivariant(text) {
  const lines = text.split(/\r?\n/);
  const media = lines.filter((line) => line.startsWith('#EXT-X-MEDIA:')).map((line) => attributes(line.slice(13)));
  const variants = [];

  assert.equal(lines[0], '#EXTM3U');
  lines.forEach((line, index) => {
    if (line.startsWith('#EXT-X-STREAM-INF:'))
      variants.push({ ...attributes(line.slice(18)), uri: lines[index + 1] });
  });
  return { media, variants };
}

export function parseMedia(text) {
  const list = { segments: [], ended: false };
  let next = { discontinuity: false, gap: false };
  let map = null;

  const lines = text.split(/\r?\n/);
  assert.equal(lines[0], '#EXTM3U');
  for (const line of lines) {
    const tag = (name) => (line.startsWith(`#EXT${name}:`) ? line.slice(name.length + 5) : null);
    if (line === '' || line === '#EXTM3U')
      continue;
    if (!line.startsWith('#')) {
      list.segments.push({ ...next, uri: line, map });
      next = { discontinuity: false, gap: false };
    } else if (tag('-X-TARGETDURATION') !== null)
      list.targetDuration = Number(tag('-X-TARGETDURATION'));
    else if (tag('-X-MEDIA-SEQUENCE') !== null)
      list.mediaSequence = Number(tag('-X-MEDIA-SEQUENCE'));
    else if (tag('-X-DISCONTINUITY-SEQUENCE') !== null)
      list.discontinuitySequence = Number(tag('-X-DISCONTINUITY-SEQUENCE'));
    else if (tag('-X-PLAYLIST-TYPE') !== null)
      list.type = tag('-X-PLAYLIST-TYPE');
    else if (tag('-X-MAP') !== null)
      map = attributes(tag('-X-MAP')).URI;
    else if (tag('-X-PROGRAM-DATE-TIME') !== null)
      next.date = Date.parse(tag('-X-PROGRAM-DATE-TIME'));
    else if (tag('INF') !== null)
      next.duration = parseFloat(tag('INF'));
    else if (line === '#EXT-X-DISCONTINUITY')
      next.discontinuity = true;
    else if (line === '#EXT-X-GAP')
      next.gap = true;
    else if (line === '#EXT-X-ENDLIST')
      list.ended = true;
  }
  return list;
}

/* what must hold for one playlist (RFC 8216bis 4.4.3, 4.4.4) */
export function checkMedia(list, where) {
  assert.ok(list.targetDuration > 0, `${where}: no target duration`);
  for (const segment of list.segments) {
    assert.ok(segment.duration > 0, `${where}: ${segment.uri} has no duration`);
    assert.ok(Math.round(segment.duration) <= list.targetDuration,
      `${where}: ${segment.uri} lasts ${segment.duration} s, target ${list.targetDuration} s`);
    assert.ok(segment.map, `${where}: ${segment.uri} has no map`);
  }
}

/* the URLs of all media playlists that a multivariant playlist names: name → absolute path */
export async function mediaPlaylists(get, url) {
  const { media, variants } = parseMultivariant(await get(url));
  const base = new URL(url, 'http://x/');
  const uris = [...variants.map((v) => v.uri), ...media.filter((m) => m.URI).map((m) => m.URI)];

  assert.ok(variants.length > 0, 'a multivariant playlist without a variant');
  return [...new Set(uris.map((uri) => new URL(uri, base).pathname))];
}

/* the playlist of the whole recording beside that of the live window, of one track or of all */
export function wholePlaylist(playlist) {
  return playlist.replace(/(-all)?\.m3u8$/, '-all.m3u8');
}

/* how many segments the live broadcast has had */
export async function countSegments(weir, id) {
  const response = await weir.fetch(`/${id}/manifest/muxed.m3u8`);

  if (response.status !== 200)
    return 0;
  const list = parseMedia(await response.text());
  return list.mediaSequence + list.segments.length;
}

/* waits until the recording is ready and returns its media playlists, video first: [{ playlist, list }] */
export async function recordedPlaylists(weir, uid) {
  const found = [];

  /* until then the playlists are those of the live window */
  await weir.waitForState(uid, 'ready', 60);
  for (const playlist of await mediaPlaylists((url) => weir.text(url), `/${uid}/manifest/video.m3u8`))
    found.push({ playlist, list: parseMedia(await weir.text(playlist)) });
  return found;
}

/**
 * Follows the live playlists of an input and fetches everything they list, as a viewer would who
 * keeps all. start(), then stop() once the broadcast has ended.
 */
export class Collector {
  constructor(weir, id) {
    this.weir = weir;
    this.id = id;
    this.tracks = new Map();  // playlist path → { inits: Map, segments: [{uri, map, bytes, …}], seen, list }
    this.stopped = false;
  }

  start() {
    this.done = this.#follow();
    this.done.catch(() => {});
    return this;
  }

  async stop() {
    this.stopped = true;
    await this.done;
    return this;
  }

  /* stops when every playlist has said that it has ended: a broadcast is over before its last segment is written */
  async stopAtTheEnd() {
    const ended = until('the end of all playlists', () => this.tracks.size > 0 && [...this.tracks.values()].every(({ list }) => list.ended),
      { seconds: 20, every: 100 });
    /* what went wrong with following them is told at once, and not that they did not end */
    ended.catch(() => {});
    await Promise.race([ended, this.done.then(() => ended)]);
    return this.stop();
  }

  async #follow() {
    while (!this.stopped) {
      await this.round();
      await sleep(400);
    }
    await this.round();
  }

  async round() {
    const response = await this.weir.fetch(`/${this.id}/manifest/video.m3u8`);
    const text = await response.text();

    if (response.status === 204) // nothing to list yet
      return;
    assert.equal(response.status, 200, `multivariant playlist: ${response.status} ${text}`);
    const paths = await mediaPlaylists(async () => text, `/${this.id}/manifest/video.m3u8`);
    const muxed = `/${this.id}/manifest/muxed.m3u8`;
    for (const path of [...paths, paths[0].endsWith('-all.m3u8') ? wholePlaylist(muxed) : muxed])
      await this.gather(path);
  }

  async gather(path) {
    const track = this.tracks.get(path) ?? { inits: new Map(), segments: [], seen: new Map(), list: null };
    const list = parseMedia(await this.weir.text(path));

    this.tracks.set(path, track);
    checkMedia(list, path);
    if (track.list !== null) {
      assert.equal(list.targetDuration, track.list.targetDuration, `${path}: the target duration changed`);
      assert.ok(list.mediaSequence >= track.list.mediaSequence, `${path}: the media sequence went back`);
    }
    track.list = list;
    for (const [index, segment] of list.segments.entries()) {
      const number = list.mediaSequence + index;
      const known = track.seen.get(number);

      if (known !== undefined) {
        assert.equal(segment.uri, known, `${path}: media sequence ${number} changed its URI`);
        continue;
      }
      track.seen.set(number, segment.uri);
      const where = new URL(segment.uri, new URL(path, 'http://x/')).pathname;
      const map = new URL(segment.map, new URL(path, 'http://x/')).pathname;
      const bytes = segment.gap ? null : await this.weir.bytes(where);
      assert.ok(segment.gap || bytes !== null, `${where} is listed and cannot be had`);
      if (!track.inits.has(map)) {
        const init = await this.weir.bytes(map);
        assert.ok(init !== null, `${map} is listed and cannot be had`);
        track.inits.set(map, init);
      }
      track.segments.push({ ...segment, number, where, map, bytes });
    }
  }

  /* init and segments of one playlist as one file's bytes; for a broadcast without a new init */
  whole(path) {
    const { inits, segments } = this.tracks.get(path);
    assert.equal(inits.size, 1, `${path}: ${inits.size} inits`);
    return Buffer.concat([...inits.values(), ...segments.filter((s) => s.bytes).map((s) => s.bytes)]);
  }

  get playlists() {
    return [...this.tracks.keys()].filter((path) => !/\/muxed(-all)?\.m3u8$/.test(path));
  }

  get muxed() {
    return [...this.tracks.keys()].find((path) => /\/muxed(-all)?\.m3u8$/.test(path));
  }
}
