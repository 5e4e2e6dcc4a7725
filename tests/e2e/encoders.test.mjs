// SPDX-License-Identifier: LGPL-2.1-or-later
// Encoders whose clocks and streams are not as they should be, in real time, with hls.js watching each of them. Where such an encoder
// cannot be had, it is a model: the messages of a good clip, altered as others have reported it of the encoder that is named.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { aacBody, avcBody, nalUnits, onMetaData, publishMessages, readFlv, videoBody, withLengths, withStartCodes } from './support/flv.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { Collector, recordedPlaylists } from './support/hls.mjs';
import { decodesCleanly, makeReference } from './support/media.mjs';
import { readTracks } from './support/mp4.mjs';
import { play } from './support/player.mjs';
import { run } from './support/process.mjs';
import { type } from './support/rtmp.mjs';
import { shared, test } from './support/test.mjs';
import { sleep } from './support/wait.mjs';
import { settings, sharedWeir } from './support/weir.mjs';

const SECONDS = 8;
/* when health misses a sound that was promised, and a poll later */
const MISSING_SECONDS = 11;
const FRAME_MS = 40;
const HOUR_MS = 3600_000;
/* where clocks are set and pictures change: a keyframe */
const CHANGE_MS = 4000;
/* a whole clip and what it takes until the first segment is listed and the player has begun */
const CASE_SECONDS = 90;
const STILL_MS = 2000;
/* what comes so late behind a clock that was set may have been left out */
const LATE_MS = 50;

const folder = temporaryFolder('encoders');
const daemon = sharedWeir();

const clip = shared(async () => readFlv(await makeReference(path.join(folder, 'clip.flv'), { seconds: SECONDS })));
/* as small encoders make it */
const plainClip = shared(async () => readFlv(await makeReference(path.join(folder, 'plain.flv'), { video: { bframes: 0 }, seconds: SECONDS })));
const largerClip = shared(async () => readFlv(await makeReference(path.join(folder, 'larger.flv'),
  { video: { size: '480x270' }, seconds: SECONDS })));

const longClip = shared(async () => readFlv(await makeReference(path.join(folder, 'long.flv'), { seconds: MISSING_SECONDS })));
/* as cameras and their hardware encoders make it */
const interlacedClip = shared(async () => readFlv(await makeReference(path.join(folder, 'interlaced.flv'),
  { video: { interlaced: true }, seconds: SECONDS })));

/* pictures of VP9, [{ key, unit }], a keyframe every 50 as in the clips */
const vp9Clip = shared(async () => {
  const file = path.join(folder, 'vp9.ivf');
  await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', String(SECONDS),
    '-pix_fmt', 'yuv420p', '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0', '-auto-alt-ref', '0',
    '-b:v', '300k', '-g', '50', '-keyint_min', '50', file]);
  const bytes = fs.readFileSync(file);
  const pictures = [];
  for (let at = bytes.readUInt16LE(6); at + 12 <= bytes.length;) {
    const size = bytes.readUInt32LE(at);
    pictures.push({ key: pictures.length % 50 === 0, unit: bytes.subarray(at + 12, at + 12 + size) });
    at += 12 + size;
  }
  return pictures;
});

/* the clip as it should be sent: due: when; shown: ms, when it is presented in truth */
const asMessages = (tags) => tags.map((tag) => ({ ...tag, due: tag.time, shown: tag.time + tag.cts }));

/* all messages, their stamps replaced by what stamp(message) says */
const stamped = (stamp, make = clip) => async () => asMessages(await make()).map((message) => ({ ...message, time: stamp(message) }));

/* the messages before the keyframe of the video track at which something changes, and those from there on */
function atKeyframe(messages) {
  const at = messages.findIndex((m) => m.kind === 'video' && m.key && !m.config && m.time >= CHANGE_MS - FRAME_MS);
  return [messages.slice(0, at), messages.slice(at)];
}

/* the first seconds of the clip, of which nothing is sent for a while at `from`, whatever the stamps say; ms */
const sleeps = (tags, from, length) => asMessages(tags).filter(({ time }) => time < 6000)
  .map((message) => (message.time < from ? message : { ...message, due: message.due + length }));

/* an SEI message of captions (ATSC A/53, ANSI/CTA-708) that differs with each picture */
const captions = (number) => Buffer.from([0x06, 0x04, 0x0e, 0xb5, 0x00, 0x31, 0x47, 0x41, 0x39, 0x34, 0x03, 0xc1, 0xff,
  0xfc, 0x20 | number & 0x0f, 0x40 | number >> 4 & 0x3f, 0xff, 0x80]);

const adts = (unit) => {
  const size = unit.length + 7;
  return Buffer.concat([Buffer.from([0xff, 0xf1, 1 << 6 | 3 << 2, 2 << 6 | size >> 11, size >> 3 & 255, (size & 7) << 5 | 0x1f, 0xfc]), unit]);
};

const EMPTY_NAL = Buffer.alloc(4);
const EPOCH_MS = 1763800000000;

/**
 * messages: makes what is sent; what is to come out has a `unit` and no `config`.
 * sets: whether its clock is set, so that nobody knows how long that took on a machine that is late;
 * discontinuities: in each playlist (0); hole: s by which decode times may leave something out (0); slept: s that the dates say so, at the
 * discontinuity (0);
 * apart: ms by which picture and sound may be off each other (45), beside those by which they were sent late if `arrival` decides;
 * except: [from, to], ms of the clip in which they may be further;
 * still: ms that the picture may stand beyond two seconds; lead: s in the buffer when the player begins (4); kinds: of what tracks there are;
 * issues: what health says while it is sent (nothing); corrections: of the timeline, how many at least (none);
 * size: of the picture at the end; entries: what the segments' sample entries of video are, in order
 */
const cases = [
  {
    /* any encoder after 49.7 days; RTMP 1.0, 5.3.1.3 and RFC 1982 */
    name: 'a clock of 32 bits that wraps',
    messages: stamped(({ time }) => 0xfffff000 + time),
  },
  {
    /* FFmpeg's and GStreamer's FLV muxers after 24.8 days: flvenc.c writes bits 24 to 30, flvmux wraps at G_MAXINT32 */
    name: 'a clock of 31 bits that wraps',
    messages: stamped(({ time }) => (0x7ffff000 + time) % 2 ** 31),
  },
  {
    /* an encoder whose clock was set, NTP after start: both tracks from there on */
    name: 'a clock that goes forward by an hour',
    messages: stamped(({ time }) => time + (time >= CHANGE_MS ? HOUR_MS : 0)),
    sets: true, corrections: { reset: 2 },
  },
  {
    /* ffmpeg -stream_loop: stamps begin at 0 again */
    name: 'a clock that goes back to zero',
    messages: stamped(({ time }) => 7 * HOUR_MS + time - (time >= CHANGE_MS ? 7 * HOUR_MS + CHANGE_MS : 0)),
    sets: true, corrections: { reset: 2 },
  },
  {
    /* Intelbras cameras: stamps of single pictures are hours off every few seconds (bluenviron/mediamtx#6255) */
    name: 'single stamps that are hours off',
    messages: async () => asMessages(await clip()).map((message, i) =>
      (message.kind === 'video' && !message.config && i % 37 === 20 ? { ...message, time: message.time + 5 * HOUR_MS } : message)),
    corrections: { spike: 3 },
  },
  {
    /* GLive T80: all messages have one stamp (bluenviron/mediamtx#4002) */
    name: 'a clock that stands still',
    messages: stamped(({ time }) => Math.min(time, 2500), plainClip),
    arrival: true, apart: 60, except: [2400, 3100],
    issues: ['timestamps_frozen'], corrections: { 'frozen-clock': 300 },
  },
  {
    /* ffmpeg -use_wallclock_as_timestamps 1 for one of two inputs */
    name: 'sound that begins at zero and a picture at the epoch',
    messages: stamped(({ time, kind }) => time + (kind === 'video' ? EPOCH_MS : 0)),
    arrival: true, apart: 100,
  },
  {
    /* DJI Osmo: configurations again and again (bluenviron/mediamtx#4116), NAL units of no bytes (#928) */
    name: 'configurations again and again, and empty NAL units',
    messages: async () => {
      const messages = asMessages(await clip());
      const configs = messages.filter(({ config }) => config);
      return messages.flatMap((message) => {
        if (message.kind !== 'video' || message.config)
          return [message];
        const body = avcBody(message, Buffer.concat([EMPTY_NAL, message.unit, EMPTY_NAL]));
        const again = message.key ? configs.map((config) => ({ ...config, time: message.time, due: message.due })) : [];
        return [...again, { ...message, body },
          ...(message.key ? [{ type: type.video, time: message.time, due: message.due, body: avcBody({ cts: 0 }, EMPTY_NAL) }] : [])];
      });
    },
    issues: ['empty_nal'],
  },
  {
    /* Zoom, Teams and Webex, and screens that are shared: the picture's size follows its content */
    name: 'a picture that changes its size',
    messages: async () => {
      const [before, after] = atKeyframe(asMessages(await clip()));
      const larger = asMessages(await largerClip());
      const [, largerAfter] = atKeyframe(larger);
      const config = larger.find((m) => m.kind === 'video' && m.config);
      return [...before, { ...config, time: after[0].time, due: after[0].due },
        ...[...largerAfter.filter((m) => m.kind === 'video'), ...after.filter((m) => m.kind === 'audio')].sort((a, b) => a.due - b.due)];
    },
    discontinuities: 1, size: [480, 270], entries: ['avc1', 'avc1'],
  },
  {
    /* Enhanced RTMP v2, "Enhanced Video": a sequence start of another codec within a stream */
    name: 'H.264 that becomes VP9',
    messages: async () => {
      const [before, after] = atKeyframe(asMessages(await clip()));
      const pictures = await vp9Clip();
      const begin = after[0].time;
      const count = after.filter((m) => m.kind === 'video').length;
      const record = Buffer.from('01000000000b820101010000', 'hex');
      const vp9 = pictures.slice(0, count).map(({ key, unit }, i) => {
        const time = begin + after[0].cts + i * FRAME_MS;
        return { type: type.video, kind: 'video', key, unit, time, due: time, shown: time, cts: 0, body: videoBody('vp09', 1, key, unit) };
      });
      return [...before, { type: type.video, time: begin, due: begin, body: videoBody('vp09', 0, true, record) },
        ...[...vp9, ...after.filter((m) => m.kind === 'audio')].sort((a, b) => a.due - b.due)];
    },
    discontinuities: 1, entries: ['avc1', 'vp09'],
  },
  {
    /* H.264 with start codes where lengths belong (SRS: try_annexb_first, ossrs/srs#184), AAC with ADTS headers */
    name: 'start codes and ADTS headers within FLV',
    messages: async () => asMessages(await clip()).map((message) => {
      if (message.config)
        return message;
      return { ...message, body: message.kind === 'video' ? avcBody(message, withStartCodes(nalUnits(message.unit)))
        : aacBody(message, adts(message.unit)) };
    }),
    issues: ['adts', 'annex_b'],
  },
  {
    /* Teradek, AJA, Haivision, Blackmagic: interlaced pictures, each with captions; what is sent is stored bit by bit */
    name: 'interlaced pictures with captions',
    messages: async () => asMessages(await interlacedClip()).map((message, i) => {
      if (message.kind !== 'video' || message.config)
        return message;
      const unit = withLengths([captions(i), ...nalUnits(message.unit)]);
      return { ...message, unit, body: avcBody(message, unit) };
    }),
  },
  {
    /* Streamlabs' screen sharing (bluenviron/mediamtx#2352), DJI (AlexxIT/go2rtc#1969) */
    name: 'sound that is promised and never comes',
    messages: async () => [
      { type: type.data, time: 0, due: 0, body: onMetaData({ width: 320, height: 180, videocodecid: 7, audiocodecid: 10, audiosamplerate: 48000 }) },
      ...asMessages(await longClip()).filter(({ kind }) => kind === 'video')],
    kinds: ['video'],
    issues: ['audio_missing'],
  },
  {
    /* a laptop that was closed, or an encoder that was paused: its connection and its clock went on */
    name: 'a laptop that slept',
    messages: async () => sleeps(await clip(), 4000, 5000).map((message) => (message.time < 4000 ? message
      : { ...message, time: message.time + 5000, shown: message.shown + 5000 })),
    discontinuities: 1, hole: 5.5, slept: 5, still: 5000, lead: 2,
    issues: ['starving'], corrections: { gap: 1 },
  },
  {
    /* the same where the clock slept, too: below 10 s that is a delay, which the timeline bears (R14) */
    name: 'a laptop that slept, and its clock with it',
    messages: async () => sleeps(await clip(), 3500, 8000),
    still: 8000, lead: 2,
    issues: ['starving'],
  },
];

/* what the API says of an input's health while it is live: { issues: all that were raised, corrections: how many so far } */
function watchHealth(weir, input) {
  const seen = { issues: new Set(), corrections: {}, stopped: false };

  const look = async () => {
    const { health } = await weir.api('GET', `/live_inputs/${input.uid}`);
    if (health !== null) {
      health.issues.forEach(({ code }) => seen.issues.add(code));
      seen.corrections = health.corrections;
    }
  };
  seen.done = (async () => {
    while (!seen.stopped) {
      await look();
      await sleep(500);
    }
    /* when the connection has ended, issues stay as they were */
    await look();
  })();
  seen.done.catch(() => {});
  return seen;
}

function checkHealth({ issues, corrections: got }, { issues: expected = [], corrections = {} }) {
  assert.deepEqual([...issues].sort(), expected);
  for (const [name, least] of Object.entries(corrections))
    assert.ok(got[name] >= least, `${name}: ${JSON.stringify(got)}`);
  /* what comes of a machine that was busy, and what comes with the others */
  const known = ['duplicate-dts', 'backward-dts', 'old-config', ...Object.keys(corrections)];
  assert.deepEqual(Object.keys(got).filter((name) => !known.includes(name)), [], JSON.stringify(got));
}

/* NAL units that hold something, however they are separated; other codecs as they are */
const canonical = (entry, data) => (entry === 'avc1' ? withLengths(nalUnits(data).filter((unit) => unit.length > 0)) : data);
const hash = (data) => createHash('sha256').update(data).digest('base64');

/* all samples in order of the whole segments, with what was sent of them: [{ kind, entry, dts, pts, end, message? }], s */
function readSamples(collector, messages) {
  const sent = new Map();
  const { inits, segments } = collector.tracks.get(collector.muxed);

  for (const message of messages)
    if (message.unit && !message.config)
      sent.set(hash(message.unit), message);
  return segments.filter(({ bytes }) => bytes !== null).flatMap(({ bytes, map }) =>
    readTracks(Buffer.concat([inits.get(map), bytes])).flatMap(({ kind, entry, timescale, samples }) =>
      samples.map(({ dts, pts, duration, data }) => ({
        kind, entry, dts: dts / timescale, pts: pts / timescale, end: (dts + duration) / timescale, message: sent.get(hash(canonical(entry, data))),
      }))));
}

/* a playlist's objects between discontinuities, each with its init */
function runsOf({ inits, segments }) {
  const runs = [];

  for (const { discontinuity, map, bytes } of segments) {
    if (discontinuity || runs.length === 0)
      runs.push([inits.get(map)]);
    if (bytes !== null)
      runs.at(-1).push(bytes);
  }
  return runs;
}

function checkTrack(samples, messages, kind, { hole = 0, lost = 0 }) {
  const expected = messages.filter((m) => m.kind === kind && m.unit && !m.config);
  const own = samples.filter((sample) => sample.kind === kind);
  let holes = 0;

  assert.equal(own.filter(({ message }) => !message).length, 0, `${kind}: samples that were not sent`);
  const got = new Set(own.map(({ message }) => message));
  const missing = expected.filter((message) => !got.has(message));
  assert.ok(missing.length <= lost, `${kind}: ${missing.length} of ${expected.length} are missing, of ${missing.slice(0, 10).map(({ due }) => due)}`);
  assert.deepEqual(own.map(({ message }) => message.due), expected.filter((message) => got.has(message)).map(({ due }) => due), `${kind}: not once and in order`);
  for (let i = 1; i < own.length; i++) {
    assert.ok(own[i].dts > own[i - 1].dts, `${kind}: decode time ${own[i].dts} behind ${own[i - 1].dts}`);
    const left = own[i].dts - own[i - 1].end;
    assert.ok(left > -0.002, `${kind}: overlaps by ${-left} s at ${own[i].dts}`);
    holes += left;
  }
  assert.ok(holes < hole + 0.1, `${kind}: ${holes} s are left out`);
}

/* picture and sound: by how much each sample is off the truth, and one off the other */
function checkStep(samples, { apart = 45, except = [0, 0] }) {
  const sound = samples.filter(({ kind }) => kind === 'audio');
  const worst = { ms: 0 };
  let at = 0;

  for (const { kind, pts, message } of samples) {
    if (kind !== 'video' || (message.shown >= except[0] && message.shown < except[1]))
      continue;
    while (at + 1 < sound.length && sound[at + 1].message.shown <= message.shown)
      at++;
    while (at > 0 && sound[at].message.shown > message.shown)
      at--;
    const beside = sound[at];
    const ms = Math.abs((pts * 1000 - message.shown) - (beside.pts * 1000 - beside.message.shown));
    if (ms > worst.ms && Math.abs(beside.message.shown - message.shown) < 100)
      Object.assign(worst, { ms, at: message.shown, picture: pts, sound: beside.pts });
  }
  assert.ok(worst.ms <= apart, `picture and sound are apart: ${JSON.stringify(worst)}`);
}

/* the recording's playlists: what was sent and nothing else, and how long nothing came */
async function checkRecording(weir, videoUID, messages, { discontinuities = 0, slept = 0, hidden = 0 }) {
  const expected = messages.filter((m) => m.kind === 'video' && m.unit && !m.config).length * FRAME_MS / 1000;

  for (const { playlist, list: { ended, segments } } of await recordedPlaylists(weir, videoUID)) {
    const seconds = segments.reduce((sum, { duration }) => sum + duration, 0);
    let missing = 0;
    assert.ok(ended, playlist);
    assert.equal(segments.filter(({ discontinuity }) => discontinuity).length, discontinuities, `${playlist}: discontinuities`);
    assert.ok(Math.abs(seconds - expected) < 0.3, `${playlist}: ${seconds} s of ${expected} s`);
    for (const [i, { date, discontinuity }] of segments.entries()) {
      if (i === 0)
        continue;
      const later = (date - segments[i - 1].date) / 1000 - segments[i - 1].duration;
      if (discontinuity)
        missing += later;
      else
        assert.ok(Math.abs(later) < 0.1 + hidden, `${playlist}: dates leap by ${later} s before segment ${i}`);
    }
    assert.ok(Math.abs(missing - slept) < 0.3 + hidden, `${playlist}: ${missing} s are missing by its dates`);
  }
}

for (const [index, one] of cases.entries()) {
  /* clips are made before their cases begin; if one cannot be, its case says so */
  const prepare = () => one.messages().catch(() => {});

  test(`${one.name}: plays through`, { seconds: CASE_SECONDS, prepare }, async () => {
    const { name, hole = 0, still = 0, kinds = ['video', 'audio'], size = [320, 180], entries = ['avc1'], lead } = one;
    const messages = await one.messages();
    const weir = await daemon();
    const input = await weir.createInput({ meta: { name } });
    const collector = new Collector(weir, input.uid).start();
    const publishing = publishMessages(weir, input, messages);
    publishing.catch(() => {});

    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const health = watchHealth(weir, input);
    const player = await play(weir, input.uid, { lead });
    const late = await publishing;
    health.stopped = true;
    await health.done;
    await weir.waitForState(input.uid, ['ended', 'ready', 'idle']);
    await collector.stopAtTheEnd();

    /* what came out, while the player goes on to the end */
    const samples = readSamples(collector, messages);
    const due = { discontinuities: 0, hole, ...one };
    if (one.sets && late > LATE_MS) {
      due.hidden = late / 1000;
      due.hole += due.hidden;
      /* pictures are shown behind it that were decoded before it */
      due.except = [CHANGE_MS - 200, CHANGE_MS + 200];
      due.discontinuities = Math.min(1, runsOf(collector.tracks.get(collector.muxed)).length - 1);
    }
    for (const kind of kinds)
      checkTrack(samples, messages, kind, due);
    assert.deepEqual([...new Set(samples.map(({ kind }) => kind))].sort(), [...kinds].sort());
    assert.deepEqual(samples.filter((s) => s.kind === 'video').map(({ entry }) => entry).filter((entry, i, all) => i === 0 || entry !== all[i - 1]),
      [...new Set(entries)]);
    if (kinds.length > 1)
      checkStep(samples, { ...due, apart: (one.apart ?? 45) + (one.arrival ? late : 0) });
    const wholes = [];
    for (const [playlist, track] of collector.tracks) {
      const runs = runsOf(track);
      assert.equal(runs.length, due.discontinuities + 1, `${playlist}: runs between discontinuities`);
      assert.ok(track.list.ended);
      for (const [number, objects] of runs.entries()) {
        const files = objects.map((bytes, i) => {
          const file = path.join(folder, `${index}-${path.basename(playlist, '.m3u8')}-${number}-${i}.mp4`);
          fs.writeFileSync(file, bytes);
          return file;
        });
        await run(settings.weir, ['check', ...files]);
        fs.writeFileSync(files[0], Buffer.concat(objects));
        wholes.push(files[0]);
      }
    }
    await decodesCleanly(...wholes);
    await checkRecording(weir, videoUID, messages, due);

    checkHealth(health, one);
    const metrics = await weir.text('/metrics');
    for (const [reason, least] of Object.entries(one.corrections ?? {})) {
      const [, count] = new RegExp(`^weir_timeline_decisions_total\\{.*reason="${reason}".*\\} (\\d+)$`, 'm').exec(metrics) ?? [];
      assert.ok(Number(count) >= least, `${reason} in the metrics: ${count}`);
    }

    /* what was seen */
    const record = await player.end();
    const told = JSON.stringify(record);
    const seconds = messages.filter((m) => m.kind === 'video').length * FRAME_MS / 1000;
    assert.equal(record.fatal, null, told);
    assert.ok(record.ended, told);
    assert.ok(record.longestStill <= STILL_MS + still, `the picture stood for ${record.longestStill} ms: ${told}`);
    /* it may have come late, but not for the end only */
    assert.ok(record.position - record.first > seconds / 2, told);
    assert.ok(record.decoded >= (record.position - record.first - hole - 0.5) * 1000 / FRAME_MS, told);
    assert.deepEqual(record.size, size, told);
  });
}
