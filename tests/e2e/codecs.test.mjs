// SPDX-License-Identifier: LGPL-2.1-or-later
// Every codec and number of tracks that FFmpeg 8 publishes by Enhanced RTMP comes out byte by byte, is described as it should be, and
// plays in Chromium if Chromium can play it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { audioBody, manyBody, onMetaData, publishMessages, readFlv, videoBody } from './support/flv.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { Collector, parseMultivariant, wholePlaylist } from './support/hls.mjs';
import { decodesCleanly, publishers, readPackets } from './support/media.mjs';
import { readTracks } from './support/mp4.mjs';
import { play, supported } from './support/player.mjs';
import { run } from './support/process.mjs';
import { type } from './support/rtmp.mjs';
import { test } from './support/test.mjs';
import { settings, sharedWeir } from './support/weir.mjs';

const SECONDS = 6;
const RATE = 25;
const PLAYED_SECONDS = 4;

const folder = temporaryFolder('codecs');
const daemon = sharedWeir();

const picture = (size = '320x180') => ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${RATE},format=yuv420p`];
const sound = (channels = 'stereo', from = 300) => ['-f', 'lavfi', '-i',
  `aevalsrc=0.3*sin(2*PI*t*(${from}+40*t))+0.02*(random(0)-0.5):s=48000:c=mono,aformat=channel_layouts=${channels}`];

const x264 = ['libx264', '-preset', 'ultrafast', '-bf', '2', '-sc_threshold', '0'];
const x265 = ['libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:bframes=2:scenecut=0:pools=1:open-gop=0'];
const av1 = ['libsvtav1', '-preset', '12', '-svtav1-params', 'lp=1'];
const vp8 = ['libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0'];
const vp9 = ['libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0', '-auto-alt-ref', '0'];

/**
 * video, audio: [encoder with its arguments, size or channels, sample entry in MP4, CODECS];
 * played: what a browser has to know to play it; null: it does not have to
 */
const cases = [
  { name: 'H.264 and AAC', video: [[x264, '320x180', 'avc1', /^avc1\.[0-9a-f]{6}$/i]], audio: [[['aac'], 'stereo', 'mp4a', /^mp4a\.40\.2$/]], played: true },
  { name: 'HEVC and AC-3', video: [[x265, '320x180', 'hvc1', /^hvc1\.1\.[0-9A-F]+\.L\d+/]], audio: [[['ac3'], '5.1', 'ac-3', /^ac-3$/]], played: true },
  { name: 'HEVC of 10 bits and E-AC-3', video: [[[...x265, '-pix_fmt', 'yuv420p10le'], '320x180', 'hvc1', /^hvc1\.2\.[0-9A-F]+\.L\d+/]],
    audio: [[['eac3'], '5.1', 'ec-3', /^ec-3$/]], played: true },
  { name: 'AV1 and Opus', video: [[av1, '320x180', 'av01', /^av01\.0\.\d\dM\.08/]], audio: [[['libopus'], 'stereo', 'Opus', /^opus$/i]], played: true },
  { name: 'VP9 and FLAC', video: [[vp9, '320x180', 'vp09', /^vp09\.00\.\d\d\.08/]], audio: [[['flac'], 'stereo', 'fLaC', /^flac$/i]], played: true },
  { name: 'H.264 and MP3', video: [[x264, '320x180', 'avc1', /^avc1\./]], audio: [[['libmp3lame'], 'stereo', 'mp4a', /^mp4a\.(6b|69|40\.34)$/i]], played: true },
  { name: 'Opus of six channels alone', video: [], audio: [[['libopus'], '5.1', 'Opus', /^opus$/i]], played: true },
  { name: 'two pictures and three sounds',
    video: [[x264, '320x180', 'avc1', /^avc1\./], [av1, '160x90', 'av01', /^av01\./]],
    audio: [[['aac'], 'stereo', 'mp4a', /^mp4a\.40\.2$/], [['libopus'], '5.1', 'Opus', /^opus$/i], [['aac'], 'mono', 'mp4a', /^mp4a\.40\.2$/]], played: true },
];

const channelCount = { mono: 1, stereo: 2, '5.1': 6 };
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

/* a Matroska file of these tracks */
async function makeClip(file, { video, audio }) {
  const inputs = [...video.map(([, size]) => picture(size)), ...audio.map(([, channels], i) => sound(channels, 300 + 100 * i))];
  const encoders = [
    ...video.flatMap(([[codec, ...more]], i) => [`-c:v:${i}`, codec, ...more.map((word) => (/^-[a-z]/.test(word) ? `${word}:v:${i}` : word)), `-b:v:${i}`, '300k', `-g:v:${i}`, '50', `-keyint_min:v:${i}`, '50']),
    ...audio.flatMap(([[codec]], i) => [`-c:a:${i}`, codec, `-b:a:${i}`, '96k']),
  ];

  await run('ffmpeg', ['-v', 'error', '-y', ...inputs.flat(), ...inputs.flatMap((_, i) => ['-map', String(i)]), ...encoders,
    '-threads', '1', '-t', String(SECONDS), file]);
  return file;
}

/* of each stream of a file, in order: the SHA-256 of each packet */
const packetHashes = async (file) => (await readPackets(file)).map(({ packets }) => packets.map(({ data }) => sha256(data)));

/* of each track, of whatever playlist: { kind, entry, language, hashes, times } */
function sampleHashes(collector) {
  return collector.playlists.map((playlist) => {
    const [{ kind, entry, objectType, language, samples, timescale }, ...more] = readTracks(collector.whole(playlist));
    assert.equal(more.length, 0, `${playlist} has ${more.length + 1} tracks`);
    samples.forEach((sample, i) => assert.ok(i === 0 || sample.dts === samples[i - 1].dts + samples[i - 1].duration, `${playlist}: a hole at sample ${i}`));
    return { playlist, kind, entry, objectType, language, hashes: samples.map(({ data }) => sha256(data)), begin: samples[0].pts / timescale };
  });
}

/* each stream that was sent is one of the tracks that came out, and the other way round; returns the tracks in the order of the streams */
function sameContent(sent, tracks) {
  assert.equal(tracks.length, sent.length, `${tracks.length} tracks of ${sent.length}`);
  const taken = new Set();

  return sent.map((hashes, i) => {
    const track = tracks.find((one) => !taken.has(one) && one.hashes.some((digest) => hashes.includes(digest)));
    assert.ok(track, `nothing of stream ${i} came out: ${JSON.stringify(tracks.map(({ kind, entry, hashes: own }) => [kind, entry, own.length]))}`);
    taken.add(track);
    const first = track.hashes.findIndex((digest, k) => digest !== hashes[k]);
    assert.equal(first, -1, `stream ${i}, ${track.entry}: sample ${first} of ${track.hashes.length} differs; ${hashes.length} were sent`);
    assert.equal(track.hashes.length, hashes.length, `stream ${i}, ${track.entry}: samples`);
    return track;
  });
}

async function checkObjects(collector, name) {
  for (const [playlist, { inits, segments }] of collector.tracks) {
    const file = path.join(folder, `${name}-${path.basename(playlist, '.m3u8')}.mp4`);
    fs.writeFileSync(file, collector.whole(playlist));
    await decodesCleanly(file);
    const files = [...inits.values(), ...segments.map(({ bytes }) => bytes)].map((bytes, i) => {
      fs.writeFileSync(`${file}.${i}`, bytes);
      return `${file}.${i}`;
    });
    await run(settings.weir, ['check', ...files]);
  }
}

/* what the multivariant playlist says of tracks; wanted: { video: [[,, size, …]], audio } as in the cases, tracks: in their order */
function checkMultivariant(text, { video, audio }, tracks) {
  const { media, variants } = parseMultivariant(text);
  const nameOf = (track) => wholePlaylist(track.playlist);

  for (const [i, [, size, , codecs]] of video.entries()) {
    const own = variants.filter(({ uri }) => uri === nameOf(tracks[i]));
    assert.ok(own.length > 0, `no variant of ${nameOf(tracks[i])}\n${text}`);
    for (const variant of own) {
      const listed = variant.CODECS.split(',');
      assert.equal(variant.RESOLUTION, size, text);
      assert.ok(codecs.test(listed[0]), `${listed[0]} is not ${codecs}`);
      assert.ok(Math.abs(Number(variant['FRAME-RATE']) - RATE) < 0.01, text);
      assert.ok(audio.length === 0 || audio.some(([, , , sounds]) => listed.slice(1).some((one) => sounds.test(one))), `${variant.CODECS}: no codec of sound`);
    }
  }
  for (const [i, [, channels, , codecs]] of audio.entries()) {
    const own = media.filter(({ URI }) => URI === nameOf(tracks[video.length + i]));
    if (video.length === 0 && audio.length === 1) {
      assert.equal(variants.length, 1, text);
      assert.ok(codecs.test(variants[0].CODECS), text);
      continue;
    }
    /* a track may stand in for what the group of another codec lacks */
    assert.ok(own.length >= 1, `${nameOf(tracks[video.length + i])}\n${text}`);
    assert.equal(own[0].CHANNELS, String(channelCount[channels]), text);
    assert.ok(own[0].NAME, text);
  }
  const members = new Set();
  for (const group of new Set(media.map((one) => one['GROUP-ID']))) {
    const names = media.filter((one) => one['GROUP-ID'] === group).map(({ NAME }) => NAME);
    assert.equal(new Set(names).size, names.length, `names in ${group} are not unique`);
    assert.equal(media.filter((one) => one['GROUP-ID'] === group && one.DEFAULT === 'YES').length, 1, text);
    members.add(JSON.stringify(media.filter((one) => one['GROUP-ID'] === group)
      .map(({ NAME, LANGUAGE, DEFAULT, AUTOSELECT }) => [NAME, LANGUAGE, DEFAULT, AUTOSELECT]).sort()));
  }
  assert.ok(members.size <= 1, `groups have different members\n${text}`);
  return { media, variants };
}

/* plays it if the browser says it can, else says why not */
async function watch(weir, id, name, variants) {
  const types = [...new Set(variants.map(({ CODECS, RESOLUTION }) => `${RESOLUTION ? 'video' : 'audio'}/mp4; codecs="${CODECS}"`))];
  const known = await supported(weir, types);

  if (!types.some((one) => known[one])) {
    console.log(`   skipped: ${name} in Chromium, which does not know ${types.join(' or ')}`);
    return;
  }
  const record = await (await play(weir, id, { lead: 3 })).after(PLAYED_SECONDS, 40);
  const told = JSON.stringify(record);
  assert.equal(record.fatal, null, told);
  assert.ok(record.position - record.first >= PLAYED_SECONDS, told);
  if (variants[0].RESOLUTION)
    assert.ok(record.decoded >= PLAYED_SECONDS * RATE * 0.9, told);
  assert.ok(record.longestStill < 2000, told);
}

/* what publish() sends of `sent`, a list of hashes for each stream, comes out and is as `wanted` says */
async function comesOut(name, wanted, sent, publish) {
  const weir = await daemon();
  const input = await weir.createInput({ meta: { name } });
  const collector = new Collector(weir, input.uid).start();
  const publishing = publish(weir, input);
  publishing.catch(() => {});
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const file = name.replace(/\W+/g, '-');

  await publishing;
  await weir.waitForState(input.uid, ['ended', 'ready', 'idle']);
  await collector.stopAtTheEnd();
  const tracks = sameContent(sent, sampleHashes(collector));
  assert.deepEqual(tracks.map(({ entry }) => entry), [...wanted.video, ...wanted.audio].map(([, , entry]) => entry));
  const begins = tracks.map(({ begin }) => begin);
  assert.ok(Math.max(...begins) - Math.min(...begins) < 0.1, `tracks begin at ${begins}`);
  await checkObjects(collector, file);
  const described = checkMultivariant(await weir.text(`/${videoUID}/manifest/video.m3u8`), wanted, tracks);
  await watch(weir, videoUID, name, described.variants);
  return { tracks, ...described };
}

for (const one of cases) {
  test(`${one.name} of FFmpeg 8 come out as they were sent`, { seconds: 90 }, async () => {
    const clip = await makeClip(path.join(folder, `${one.name.replace(/\W+/g, '-')}.mkv`), one);

    await comesOut(one.name, one, await packetHashes(clip), async (weir, input) => {
      const encoder = publishers['node-av'](clip, input.publishUrl);
      assert.equal(await encoder.exited, 0, `${encoder.command}: ${encoder.tail()}`);
    });
  });
}

/* FFmpeg 8 has no VP8 in FLV: a model, of the messages that Enhanced RTMP v2 has for it */
test('VP8 and Opus come out as they were sent', { seconds: 90 }, async () => {
  const wanted = { video: [[vp8, '320x180', 'vp08', /^vp08\.00\.\d\d\.08/]], audio: [[['libopus'], 'stereo', 'Opus', /^opus$/i]] };
  const clip = await makeClip(path.join(folder, 'vp8.mkv'), wanted);
  const streams = await readPackets(clip);
  const record = Buffer.from('01000000000b820202020000', 'hex');
  const messages = [
    { type: type.video, time: 0, due: 0, body: videoBody('vp08', 0, true, record) },
    { type: type.audio, time: 0, due: 0, body: audioBody('Opus', 0, streams[1].extradata) },
    ...streams.flatMap(({ video, packets }) => packets.map(({ ms, key, data }) => {
      const time = Math.max(Math.round(ms), 0);
      return video ? { type: type.video, time, due: time, body: videoBody('vp08', 1, key, data) }
        : { type: type.audio, time, due: time, body: audioBody('Opus', 1, data) };
    })).sort((a, b) => a.due - b.due)];

  await comesOut('VP8', wanted, await packetHashes(clip), (weir, input) => publishMessages(weir, input, messages));
});

/* FFmpeg names no tracks: a model, of the metadata that Enhanced RTMP v2 has for them ("Enhancing onMetaData") */
test('names and languages of two sounds are listed', { seconds: 90 }, async () => {
  const aac = [['aac'], 'stereo', 'mp4a', /^mp4a\.40\.2$/];
  const wanted = { video: [[x264, '320x180', 'avc1', /^avc1\./]], audio: [aac, aac] };
  const clip = await makeClip(path.join(folder, 'named.mkv'), wanted);
  const part = async (name, sound) => {
    const flv = path.join(folder, name);
    await run('ffmpeg', ['-v', 'error', '-y', '-i', clip, '-map', sound, ...(sound === '0:2' ? [] : ['-map', '0:0']), '-c', 'copy', flv]);
    return readFlv(flv);
  };
  const tags = await part('named.flv', '0:1');
  const other = await part('other.flv', '0:2');
  const messages = [
    { type: type.data, time: 0, due: 0, body: onMetaData({ width: 320, height: 180, videocodecid: 7, audiocodecid: 10,
      audioTrackIdInfoMap: { 0: { language: 'en', trackName: 'Main' }, 1: { language: 'de', trackName: 'Kommentar' } } }) },
    ...[...tags, ...other.map((tag) => ({ ...tag, body: manyBody('audio', 'mp4a', tag.config ? 0 : 1, 1, true, tag.unit) }))]
      .sort((a, b) => a.time - b.time).map((tag) => ({ ...tag, due: tag.time }))];
  const hashes = (list, kind) => list.filter((tag) => tag.kind === kind && !tag.config).map(({ unit }) => sha256(unit));

  const { tracks, media } = await comesOut('names', wanted, [hashes(tags, 'video'), hashes(tags, 'audio'), hashes(other, 'audio')],
    (weir, input) => publishMessages(weir, input, messages));
  assert.deepEqual(media.map(({ NAME, LANGUAGE }) => [NAME, LANGUAGE]).sort(), [['Kommentar', 'de'], ['Main', 'en']]);
  assert.deepEqual(tracks.map(({ language }) => language), ['und', 'eng', 'deu']);
});
