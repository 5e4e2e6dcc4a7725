// SPDX-License-Identifier: LGPL-2.1-or-later
// Reference clips, publishers, and comparing what came out with what went in.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstTimes } from './mp4.mjs';
import { Process, run } from './process.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

/**
 * An FLV file in which every frame and every audio block differs.
 * video: { rate, gop (frames), bframes, size, interlaced } or null; audio: true or false
 */
export async function makeReference(file, { video = {}, audio = true, seconds = 12 } = {}) {
  const { rate = '25', gop = 50, bframes = 2, size = '320x180', interlaced = false } = video ?? {};
  const args = ['-v', 'error', '-y'];

  if (video)
    args.push('-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}`);
  if (audio)
    args.push('-f', 'lavfi', '-i',
      'aevalsrc=0.3*sin(2*PI*t*(300+40*t))+0.05*(random(0)-0.5)|0.3*sin(2*PI*t*(500+25*t)):s=48000:c=stereo');
  if (video)
    args.push('-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', String(bframes),
      '-g', String(gop), '-keyint_min', String(gop), '-sc_threshold', '0', '-b:v', '400k', '-threads', '1', ...(interlaced ? ['-flags', '+ildct+ilme'] : []));
  if (audio)
    args.push('-c:a', 'aac', '-b:a', '96k');
  args.push('-t', String(seconds), '-f', 'flv', file);
  await run('ffmpeg', args, { seconds: 300 });
  return file;
}

/* the publishers: each takes the file to an RTMP address in real time */
export const publishers = {
  ffmpeg: (file, url) => new Process('ffmpeg',
    ['-v', 'warning', '-re', '-i', file, '-c', 'copy', '-f', 'flv', url]),
  'ffmpeg at once': (file, url) => new Process('ffmpeg', ['-v', 'warning', '-i', file, '-c', 'copy', '-f', 'flv', url]),
  rtmp2sink: (file, url) => new Process('gst-launch-1.0', ['-q',
    'filesrc', `location=${file}`, '!', 'flvdemux', 'name=d',
    'd.video', '!', 'queue', '!', 'h264parse', '!', 'video/x-h264,stream-format=avc,alignment=au', '!', 'm.video',
    'd.audio', '!', 'queue', '!', 'aacparse', '!', 'm.audio',
    'flvmux', 'name=m', 'streamable=true', '!', 'rtmp2sink', 'sync=true', `location=${url}`]),
  'node-av': (file, url) => new Process(process.execPath, [path.join(here, 'publish-av.mjs'), file, url]),
  'node-av, sound 800 ms late': (file, url) =>
    new Process(process.execPath, [path.join(here, 'publish-av.mjs'), file, url, '800']),
};

/* streams of any file as they are stored: [{ video, extradata, packets: [{ ms (decode time), key, data }] }] */
export async function readPackets(file) {
  const { AV_PKT_FLAG_KEY, AVMEDIA_TYPE_VIDEO, FFmpegError, FormatContext, Packet } = await import('node-av');
  const input = new FormatContext();
  FFmpegError.throwIfError(await input.openInput(file), 'open the file');
  const streams = input.streams.map(({ codecpar }) => ({
    video: codecpar.codecType === AVMEDIA_TYPE_VIDEO,
    extradata: codecpar.extradata && Buffer.from(codecpar.extradata),
    packets: [],
  }));
  const packet = new Packet();
  packet.alloc();
  while (await input.readFrame(packet) >= 0) {
    const { timeBase } = input.streams[packet.streamIndex];
    streams[packet.streamIndex].packets.push({
      ms: Number(packet.dts) * timeBase.num / timeBase.den * 1000,
      key: (packet.flags & AV_PKT_FLAG_KEY) !== 0,
      data: Buffer.from(packet.data),
    });
    packet.unref();
  }
  await input.closeInput();
  return streams;
}

/* one hash a decoded frame, in order; timestamps are left out */
async function frameHashes(file, stream, args = []) {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', file, '-map', `0:${stream}`, ...args,
    '-fps_mode', 'passthrough', '-f', 'framehash', '-hash', 'md5', '-'], { env: { AV_LOG_FORCE_NOCOLOR: '1' } });
  return stdout.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(',').pop().trim());
}

export const videoFrames = (file) => frameHashes(file, 'v:0');

let decoded = 0;

/* the decoded sound as one hash and its length, however it was cut into packets */
export async function sound(file) {
  /* several cases may decode the same file at once */
  const wav = `${file}.${decoded++}.pcm`;
  await run('ffmpeg', ['-v', 'error', '-y', '-i', file, '-map', '0:a:0', '-c:a', 'pcm_s16le', '-f', 's16le', wav]);
  const bytes = fs.readFileSync(wav);
  fs.rmSync(wav);
  const { createHash } = await import('node:crypto');
  return { bytes: bytes.length, hash: createHash('md5').update(bytes).digest('hex') };
}

/* times of a stream's packets: [{ pts, dts, key }] in seconds, in file order */
export async function packets(file, stream) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', stream, '-show_entries',
    'packet=pts_time,dts_time,flags', '-of', 'csv=p=0', file]);
  return stdout.split('\n').filter(Boolean).map((line) => {
    const [pts, dts, flags] = line.split(',');
    return { pts: Number(pts), dts: Number(dts), key: flags.startsWith('K') };
  });
}

const firstPts = async (file, stream) => Math.min(...(await packets(file, stream)).slice(0, 40).map((p) => p.pts));

/* ffprobe and a whole decode of each file that stops at the first error; all must be silent */
export async function decodesCleanly(...files) {
  for (const file of files) {
    const probe = await run('ffprobe', ['-v', 'warning', '-show_packets', '-show_streams', '-of', 'json', file]);
    assert.equal(probe.output.slice(probe.stdout.length && 0).replace(probe.stdout, '').trim(), '', `ffprobe ${file}`);
  }
  /* one program for all of them: to start takes longer than to decode. Frames that are not evenly spaced are no fault */
  const decode = await run('ffmpeg', ['-v', 'warning', '-xerror', ...files.flatMap((file) => ['-i', file]),
    ...files.flatMap((_, i) => ['-map', String(i)]), '-fps_mode', 'passthrough', '-enc_time_base:v', '1:90000', '-f', 'null', '-']);
  assert.equal(decode.output.trim(), '', `ffmpeg ${files.join(' ')}`);
}

/* the first presentation time of a track of a fragmented MP4 file, s */
const first = (file, kind) => [...firstTimes(fs.readFileSync(file)).values()].find((track) => track.kind === kind).first;

function firstDifference(a, b) {
  for (let i = 0; i < Math.max(a.length, b.length); i++)
    if (a[i] !== b[i])
      return i;
  return -1;
}

/* got: { video?, audio?, muxed } files; everything of the reference, once, in order */
export async function sameContent(reference, got, { video, audio }) {
  if (video) {
    const expected = await videoFrames(reference);
    for (const file of [got.video, got.muxed]) {
      const frames = await videoFrames(file);
      assert.equal(firstDifference(frames, expected), -1,
        `${file}: ${frames.length} frames of ${expected.length}, the first that differs is ${firstDifference(frames, expected)}`);
    }
  }
  if (audio) {
    const expected = await sound(reference);
    for (const file of [got.audio, got.muxed])
      assert.deepEqual(await sound(file), expected, `${file}: the sound differs`);
  }
}

/* the same of fragmented MP4 files, and in step within a frame (s) */
export async function sameAsReference(reference, got, { video, audio, frame }) {
  await sameContent(reference, got, { video, audio });
  if (video && audio) {
    const expected = await firstPts(reference, 'v:0') - await firstPts(reference, 'a:0');
    const separate = first(got.video, 'video') - first(got.audio, 'audio');
    const muxed = first(got.muxed, 'video') - first(got.muxed, 'audio');
    assert.ok(Math.abs(separate - expected) <= frame, `picture and sound: ${separate} s apart, ${expected} s in the reference`);
    assert.ok(Math.abs(muxed - expected) <= frame, `muxed: picture and sound ${muxed} s apart, ${expected} s in the reference`);
  }
}
