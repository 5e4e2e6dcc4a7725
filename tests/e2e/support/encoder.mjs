// SPDX-License-Identifier: LGPL-2.1-or-later
// An encoder that is a model: it sends the units of a clip in real time, is lost in whatever way, comes back with the
// units that follow, and knows which of them the daemon has taken.

import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlv, videoBody } from './flv.mjs';
import { makeReference, readPackets } from './media.mjs';
import { Process, run } from './process.mjs';
import { RtmpClient, type } from './rtmp.mjs';
import { sleep } from './wait.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const TICK_MS = 20;
export const FRAME_MS = 40;
export const SOUND_MS = 1024 / 48;
const GOP = 25;

export const sha256 = (data) => createHash('sha256').update(data).digest('hex');

/* what a clip file holds, for LiveEncoder: { file, tags: [{ type, kind, config, key, time, body, hash }] } */
export function readClip(file) {
  const tags = readFlv(file).map((tag) => ({ ...tag, hash: sha256(tag.unit) }));
  return { file, tags };
}

/* H.264 and AAC, every picture another, a keyframe each second */
export const makeClip = async (file, { seconds, size = '320x180' }) =>
  readClip(await makeReference(file, { seconds, video: { size, gop: GOP, bframes: 0 } }));

const encoders = {
  hvc1: { arguments: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:bframes=0:scenecut=0:pools=1:open-gop=0'], packet: 3 },
  av01: { arguments: ['-c:v', 'libsvtav1', '-preset', '12', '-svtav1-params', 'lp=1:pred-struct=1'], packet: 1 },
};

/* the same sound with pictures of another codec, as Enhanced RTMP has it; fourcc: hvc1 or av01 */
export async function makeOtherClip(file, fourcc, sound, { seconds }) {
  const { arguments: codec, packet } = encoders[fourcc];
  await run('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25,format=yuv420p', '-t', String(seconds),
    ...codec, '-g', String(GOP), '-keyint_min', String(GOP), '-b:v', '300k', '-threads', '1', file], { seconds: 120 });
  const [{ extradata, packets }] = await readPackets(file);
  const pictures = packets.map(({ ms, key, data }) => ({ type: type.video, kind: 'video', config: false, key, time: Math.round(ms),
    body: videoBody(fourcc, packet, key, data), hash: sha256(data) }));
  const config = { type: type.video, kind: 'video', config: true, key: true, time: 0, body: videoBody(fourcc, 0, true, extradata) };
  return { tags: [config, ...[...pictures, ...sound.tags.filter(({ kind }) => kind === 'audio')].sort((a, b) => a.time - b.time)] };
}

const nothing = () => ({ video: 0, audio: 0 });

export class LiveEncoder {
  /* address: of RTMP, or a daemon */
  constructor(weir, input, clip) {
    this.weir = typeof weir === 'string' ? { address: () => weir } : weir;
    this.input = input;
    this.clip = clip;
    this.position = 0;     // ms of the clip at which the next connection begins
    /* { begun, last (ms since 1970: when its first and its newest unit were sent), slow (ms: the daemon had worked off the first one after that
     * time), settled (ms since 1970: likewise all, once it is known), sent: { video: [hash], audio: [hash] }, taken: how many of each certainly
     * came in } */
    this.connections = [];
  }

  get connection() {
    return this.connections.at(-1);
  }

  /* publishes, trying again as encoders do, and goes on sending until it is lost */
  async connect({ clip = this.clip, seconds = 30, position = this.position } = {}) {
    const end = Date.now() + seconds * 1000;

    for (this.client = null; this.client === null;) {
      try {
        this.client = await RtmpClient.publishing(this.weir, this.input);
      } catch (error) {
        if (Date.now() > end)
          throw new Error(`could not publish within ${seconds} s: ${error.message}`);
        await sleep(150);
      }
    }
    this.clip = clip;
    this.#begin(position);
    return this;
  }

  #begin(position) {
    const { client, clip } = this;
    const base = clip.tags.find((t) => t.kind === 'video' && t.key && !t.config && t.time >= position).time;
    const units = clip.tags.filter((t) => !t.config && t.time >= base);
    const connection = { begun: Date.now(), slow: 0, base, sent: { video: [], audio: [] }, taken: nothing() };
    const begin = performance.now();
    let next = 0;

    for (const { type: kind, body } of clip.tags.filter((t) => t.config))
      client.message(kind === type.video ? 6 : 4, kind, body, { stream: 1 });
    const send = () => {
      if (client.closed)
        return clearInterval(client.timer);
      for (; next < units.length && units[next].time - base <= performance.now() - begin; next++) {
        const { type: what, kind, body, time, hash } = units[next];
        client.message(what === type.video ? 6 : 4, what, body, { stream: 1, time: time - base });
        connection.sent[kind].push(hash);
        connection.last = Date.now();
        if (kind === 'video')
          this.position = time + 1;
      }
      return this.onSent?.(connection);
    };
    this.connections.push(connection);
    client.timer = setInterval(send, TICK_MS);
    send();
    client.settled().then(() => (connection.slow = Date.now() - connection.begun), () => {});
  }

  /* how many s of pictures this connection has sent */
  get seconds() {
    return this.connection.sent.video.length * FRAME_MS / 1000;
  }

  /* waits until the daemon has worked off all that was sent until now */
  async settle() {
    const { sent, taken } = this.connection;
    const counts = { video: sent.video.length, audio: sent.audio.length };
    await this.client.settled();
    Object.assign(taken, counts);
    this.connection.settled = Date.now();
  }

  silence() {
    clearInterval(this.client.timer);
    return this.settle();
  }

  /* ends as encoders do that are stopped */
  async stop() {
    await this.silence();
    this.client.command(0, 'FCUnpublish', 6, null, this.input.rtmp.streamKey);
    this.client.command(0, 'deleteStream', 7, null, 1);
    await this.client.status('NetStream.Unpublish.Success');
    this.client.close();
  }

  /* 'FIN', 'RST' or 'silence' */
  async lose(how) {
    await this.silence();
    if (how === 'FIN')
      this.client.tcp.end();
    else if (how === 'RST')
      this.client.close();
  }

  /* the daemon is another one, or is to be lost itself: what goes on being sent may come in or not */
  leave() {
    clearInterval(this.client.timer);
    this.client.close();
  }
}

/* the same in a process of its own that can be killed; what it says it has sent is with the kernel */
export class EncoderProcess {
  constructor(weir, input, clip, position) {
    this.clip = clip;
    this.position = position;
    this.process = new Process(process.execPath, [path.join(here, 'encode.mjs'), weir.address('rtmp'), input.rtmp.streamKey, clip.file, String(position)]);
  }

  #read(pattern) {
    const lines = this.process.stdout.split('\n').filter((line) => pattern.test(line));
    return lines.length > 0 ? lines.at(-1).split(' ').slice(1).map(Number) : null;
  }

  get seconds() {
    return (this.#read(/^sent \d+ \d+ \d+ \d+ $/)?.[0] ?? 0) * FRAME_MS / 1000;
  }

  /* the connection as LiveEncoder has it */
  async kill() {
    await this.process.stop('SIGKILL');
    const [begun, base] = this.#read(/^begun \d+ \d+ $/);
    const [video, audio, last, slow] = this.#read(/^sent \d+ \d+ \d+ \d+ $/);
    const units = this.clip.tags.filter((t) => !t.config && t.time >= base);
    /* what was with the kernel, and what may have been when it could not say so any more */
    const sent = (kind, count) => units.filter((t) => t.kind === kind).slice(0, count + 3).map(({ hash }) => hash);
    return { begun, last, slow, base, sent: { video: sent('video', video), audio: sent('audio', audio) }, taken: { video, audio } };
  }
}
