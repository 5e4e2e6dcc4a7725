// SPDX-License-Identifier: LGPL-2.1-or-later
// What must hold of a broadcast, whatever happened to its encoder, the daemon or the disk, from what was sent to what is recorded.

import assert from 'node:assert/strict';
import path from 'node:path';
import { FRAME_MS, sha256, SOUND_MS } from './encoder.mjs';
import { readTracks } from './mp4.mjs';
import { checkRecording, Viewer } from './restart.mjs';
import { until } from './wait.mjs';

/* what time on the clock may be off, s: arrival, a round of reading; beside what the daemon was seen to take */
const CLOCK_S = 0.6;

/* all events of a broadcast, or of those types, in order */
export async function eventsOf(weir, uid, types = null) {
  const found = [];

  for (let after = 0, more = true; more;) {
    const page = await weir.api('GET', `/events?after=${after}&limit=1000${types ? `&type=${types}` : ''}`);
    found.push(...page.events.filter(({ broadcast }) => broadcast === uid));
    after = page.cursor;
    more = page.more;
  }
  return found;
}

/* two viewers who never stop asking, by the input's URL and by the broadcast's; every: ms between their rounds */
export class Viewers {
  constructor(weir, input, videoUID, every = 400) {
    this.byInput = new Viewer(weir, input.uid, { every });
    this.byBroadcast = new Viewer(weir, videoUID, { every, muxed: true });
  }

  get all() {
    return [this.byInput, this.byBroadcast];
  }

  /* waits until both know of the end of the broadcast, and of `count` segments more than there are now */
  async more(count, seconds = 30) {
    const wanted = this.byBroadcast.newest + count;
    await until(() => `segment ${wanted} is listed, ${this.byBroadcast.newest} is`, async () => {
      await this.#failed();
      return this.byBroadcast.newest >= wanted;
    }, { seconds });
  }

  async end(videoUID, seconds = 30) {
    const own = (viewer) => [...viewer.tracks].filter(([where]) => where.startsWith(`/${videoUID}/`));
    await until(() => `an end of all playlists: ${JSON.stringify(this.all.map((v) => [...v.tracks].map(([w, t]) => [w, t.list.ended, t.list.mediaSequence, t.list.segments.length])))}`, async () => {
      await this.#failed();
      return this.all.every((viewer) => own(viewer).length >= 2 && own(viewer).every(([, { list }]) => list.ended));
    }, { seconds });
    return this.stop();
  }

  /* what went wrong is told at once */
  #failed() {
    return Promise.all(this.all.map(({ done }) => Promise.race([done, null])));
  }

  async stop() {
    for (const viewer of this.all)
      await viewer.stop();
  }
}

/* the runs between discontinuities of a recording's playlist: [{ date (ms), kind, entry, timescale, samples }] */
function runsOf(list) {
  const runs = [];

  for (const [i, segment] of list.segments.entries()) {
    if (segment.gap) {
      /* the last one before a break may hold something of the other track only */
      assert.ok(!segment.discontinuity && (list.segments[i + 1]?.discontinuity ?? true), `${list.playlist}: ${segment.uri} is a gap`);
      continue;
    }
    if (runs.length === 0 || segment.discontinuity)
      runs.push({ date: segment.date, init: segment.init, bodies: [] });
    runs.at(-1).bodies.push(segment.bytes);
  }
  return runs.map(({ date, init, bodies }) => {
    const [track, ...more] = readTracks(Buffer.concat([init, ...bodies]));
    assert.equal(more.length, 0);
    return { date, ...track };
  });
}

const unitMs = (kind) => (kind === 'video' ? FRAME_MS : SOUND_MS);

/* one run holds what one connection sent, all that was taken and nothing twice */
function checkRun(run, connection, where, { lost, holes }) {
  const { kind, samples, timescale } = run;
  const sent = connection.sent[kind];
  const taken = connection.taken[kind];
  const hashes = samples.map(({ data }) => sha256(data));
  const before = holes ? sent.indexOf(hashes[0]) : 0;
  const first = hashes.findIndex((hash, i) => hash !== sent[i + before]);
  const least = holes ? 1 : taken - Math.ceil(lost * 1000 / unitMs(kind));

  assert.equal(first, -1, `${where}: ${kind} ${first} is not what was sent (${sent.indexOf(hashes[first])} is; ${hashes.length} of ${sent.length})`);
  assert.ok(hashes.length + before >= least, `${where}: ${hashes.length} of ${kind}, ${taken} were taken, ${sent.length} sent`);
  samples.forEach((sample, i) => assert.ok(i === 0 || sample.dts === samples[i - 1].dts + samples[i - 1].duration,
    `${where}: a hole at ${kind} ${i}`));
  run.before = before * unitMs(kind) / 1000;
  const sum = samples.reduce((total, { duration }) => total + duration, 0) / timescale * 1000;
  assert.ok(Math.abs(sum - samples.length * unitMs(kind)) <= unitMs(kind) + 1,
    `${where}: ${samples.length} of ${kind} last ${sum} ms`);
}

const beginOf = (run) => run.samples[0].dts / run.timescale;
const endOf = (run) => (run.samples.at(-1).dts + run.samples.at(-1).duration) / run.timescale;

/* time goes on by what was lost, on the timeline and in the dates */
function checkJumps(runs, connections, where) {
  runs.slice(1).forEach((run, i) => {
    const before = runs[i];
    const apart = (connections[i + 1].begun - connections[i].begun) / 1000 + run.before - before.before;
    const wanted = apart - (endOf(before) - beginOf(before));
    const jump = beginOf(run) - endOf(before);
    /* each came between being sent and being worked off */
    const [early, late] = [connections[i], connections[i + 1]].map(({ slow }) => CLOCK_S + slow / 1000);

    assert.ok(jump >= 0 && jump >= wanted - early && jump <= wanted + late, `${where}: a jump of ${jump} s, ${wanted} s were lost`);
    const dates = (run.date - before.date) / 1000;
    assert.ok(dates >= apart - early && dates <= apart + late, `${where}: dates ${dates} s apart, connections ${apart} s`);
  });
  return runs.slice(1).map((run, i) => beginOf(run) - endOf(runs[i]));
}

/* the same as viewers knew it who saw what was not recorded */
const pausesOf = (connections) => connections.slice(1).map(({ begun }, i) =>
  (begun - connections[i].begun - connections[i].sent.video.length * FRAME_MS) / 1000);

/* what a viewer saw of one track: gaps where nobody sent, a discontinuity where it went on */
function checkSeen(viewer, where, pauses, replaced) {
  const { list, seen, breaks, slowest, unseen } = viewer.tracks.get(where);
  const numbers = [...seen.keys()].sort((a, b) => a - b);
  const gaps = numbers.filter((number) => seen.get(number).uri.includes('/segments/gap-')).length;
  /* the k-th is listed when k target durations are over, and the encoder may come at that moment */
  const most = pauses.reduce((sum, pause) => sum + Math.floor(pause / list.targetDuration + 0.25), 0);
  /* the last ones are listed until the end only, and a viewer may have looked too late for them */
  const sure = (pause, i) => Math.max(0, Math.floor((pause - (i === pauses.length - 1 ? slowest : 0)) / list.targetDuration - 0.75));
  const least = replaced ? 0 : -unseen.length + pauses.reduce((sum, pause, i) => sum + sure(pause, i), 0);

  assert.ok(list.ended, `${where} has no end`);
  assert.ok(gaps >= least && gaps <= most, `${where}: ${gaps} gaps of ${list.targetDuration} s in ${pauses} s`);
  const total = Math.max(...breaks.values());
  assert.equal(total, pauses.length - 1, `${where}: discontinuities a viewer saw`);
  const all = [...numbers, ...unseen].sort((a, b) => a - b);
  assert.deepEqual(all, all.map((_, i) => all[0] + i), `${where} has holes`);
}

/**
 * A broadcast that has ended is as it must be: what its connections brought is in the recording once, in order and without a gap, one
 * discontinuity for each return, time that jumps by what was lost; viewers saw gaps and an end; what was committed is what is listed.
 * options: name: of files to be made; viewers: who have seen its end; lost: for each run, s that may be missing at its end, as a daemon was
 * killed; replaced: whether the next encoder may have taken the place of one that was silent, so that nobody was waited for; waited: s from the last media to the end (1); holes: whether something that was taken may be missing where a run ends or begins, as the disk was full
 */
export async function checkBroadcast(weir, videoUID, connections, { name, viewers, lost = [], waited = 1, holes = false, replaced = false }) {
  const lists = await checkRecording(weir, videoUID, name);
  /* what closed together may be committed in any order */
  const committed = (await eventsOf(weir, videoUID, ['segment.committed'])).map(({ data }) => data)
    .sort((a, b) => a.number - b.number).map(({ epoch, number }) => `${epoch}-${number}`);
  const tracks = [];

  assert.equal(lists.length, 2, `${videoUID}: ${lists.length} tracks`);
  for (const list of lists) {
    const runs = runsOf(list);
    const where = list.playlist;

    assert.equal(list.type, 'VOD', where);
    assert.match(where, /-all\.m3u8$/);
    /* the very last one may hold something of the other track only */
    const all = list.segments.map((s) => /segments\/(\d+-\d+)\//.exec(s.uri)[1]);
    assert.deepEqual(all, committed.slice(0, Math.max(all.length, committed.length - 1)), `${where} is not what was committed`);
    assert.equal(runs.length, connections.length, `${where}: runs between discontinuities`);
    runs.forEach((run, i) => checkRun(run, connections[i], where, { lost: lost[i] ?? 0, holes }));
    const jumps = checkJumps(runs, connections, where);
    if (viewers)
      for (const viewer of viewers.all)
        checkSeen(viewer, path.join(path.dirname(where), path.basename(where).replace('-all', '')), [...holes ? pausesOf(connections) : jumps, waited], replaced);
    tracks.push(runs);
  }
  assert.deepEqual(tracks.map(([{ kind }]) => kind), ['video', 'audio']);
  return tracks;
}
