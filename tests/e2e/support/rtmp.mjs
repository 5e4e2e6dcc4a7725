// SPDX-License-Identifier: LGPL-2.1-or-later
// A raw RTMP client: says whatever it is told to, right or wrong, and keeps what comes back.

import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';

export const type = { setChunkSize: 1, abort: 2, acknowledgement: 3, userControl: 4, windowSize: 5, peerBandwidth: 6,
  audio: 8, video: 9, data: 18, command: 20, aggregate: 22 };

export const u16 = (value) => Buffer.from([value >> 8, value & 255]);
export const u24 = (value) => Buffer.from([value >> 16 & 255, value >> 8 & 255, value & 255]);
export const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const u32le = (value) => u32(value).reverse();
const bytesOf = (text) => (Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1'));

/* AMF 0; strings may be Buffers; a Buffer wrapped in raw() is put in as it is */
export const raw = (bytes) => ({ raw: bytes });
export function amf(value) {
  if (value === null)
    return Buffer.from([5]);
  if (value === undefined)
    return Buffer.from([6]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'boolean')
    return Buffer.from([1, value ? 1 : 0]);
  if (typeof value === 'string' || Buffer.isBuffer(value)) {
    const bytes = bytesOf(value);
    return bytes.length < 65536 ? Buffer.concat([Buffer.from([2]), u16(bytes.length), bytes])
      : Buffer.concat([Buffer.from([12]), u32(bytes.length), bytes]);
  }
  if (Array.isArray(value))
    return Buffer.concat([Buffer.from([10]), u32(value.length), ...value.map(amf)]);
  if (value.raw)
    return value.raw;
  return Buffer.concat([Buffer.from([3]),
    ...Object.entries(value).flatMap(([name, member]) => [u16(Buffer.byteLength(name)), Buffer.from(name), amf(member)]),
    Buffer.from([0, 0, 9])]);
}

/* one value of AMF 0 as it is sent by servers: [value, bytes taken] */
function parseAmf(bytes, at) {
  switch (bytes[at]) {
  case 0:
    return [bytes.readDoubleBE(at + 1), at + 9];
  case 1:
    return [bytes[at + 1] !== 0, at + 2];
  case 2: {
    const size = bytes.readUInt16BE(at + 1);
    return [bytes.toString('utf8', at + 3, at + 3 + size), at + 3 + size];
  }
  case 3: {
    const object = {};
    at++;
    while (bytes.readUInt16BE(at) > 0) {
      const size = bytes.readUInt16BE(at);
      const name = bytes.toString('utf8', at + 2, at + 2 + size);
      [object[name], at] = parseAmf(bytes, at + 2 + size);
    }
    return [object, at + 3];
  }
  case 5:
    return [null, at + 1];
  case 6:
    return [undefined, at + 1];
  case 10: {
    const array = [];
    let count = bytes.readUInt32BE(at + 1);

    for (at += 5; count > 0; count--) {
      let value;
      [value, at] = parseAmf(bytes, at);
      array.push(value);
    }
    return [array, at];
  }
  default:
    throw new Error(`AMF marker ${bytes[at]}`);
  }
}

/* the basic header of a chunk */
export function basic(format, id) {
  if (id < 64)
    return Buffer.from([format << 6 | id]);
  if (id < 320)
    return Buffer.from([format << 6, id - 64]);
  return Buffer.from([format << 6 | 1, (id - 64) & 255, (id - 64) >> 8]);
}

/* the header of a chunk of type 0 for a message of `length` */
export const header = (id, messageType, length, { stream = 0, time = 0 } = {}) => Buffer.concat([
  basic(0, id), u24(Math.min(time, 0xffffff)), u24(length), Buffer.from([messageType]), u32le(stream),
  time >= 0xffffff ? u32(time) : Buffer.alloc(0)]);

/* a whole message in chunks of `size` */
export function message(id, messageType, payload, { stream = 0, time = 0, size = 128 } = {}) {
  const pieces = [header(id, messageType, payload.length, { stream, time })];

  for (let at = 0; at < payload.length; at += size) {
    if (at > 0)
      pieces.push(basic(3, id), time >= 0xffffff ? u32(time) : Buffer.alloc(0));
    pieces.push(payload.subarray(at, at + size));
  }
  return Buffer.concat(pieces);
}

/* each client is a host of its own, so that one host's share of the door is not in the way */
let hosts = 0;
export const anyHost = () => `127.${1 + (hosts >> 16 & 63)}.${hosts >> 8 & 255}.${1 + hosts++ % 254}`;

export class RtmpClient {
  /* resolves when it is connected; nothing has been said then, but `first` (bytes), which comes before TLS.
   * name: of the listener, rtmps speaks TLS; from: address to connect from */
  static async open(weir, { name = 'rtmp', from = anyHost(), first } = {}) {
    const [, host, port] = /^(.*):(\d+)$/.exec(weir.address(name));
    const client = new RtmpClient();
    const tcp = net.connect({
      port: Number(port), host: host.replace(/^\[|\]$/g, ''), noDelay: true, localAddress: from,
    });

    if (first)
      tcp.write(first);
    client.tcp = tcp;
    client.socket = name === 'rtmps' ? tls.connect({ socket: tcp, rejectUnauthorized: false }) : tcp;
    client.received = Buffer.alloc(0);
    client.bytes = 0;          // received in all
    client.answers = [];       // { type, id, stream, name?, values?, payload }
    client.streams = new Map();
    client.theirChunkSize = 128;
    client.chunkSize = 128;
    client.shaken = false;
    client.waiting = new Set();
    client.opened = performance.now();
    client.closed = false;     // by the server, or by us
    client.reset = false;
    client.socket.on('data', (data) => client.#take(data));
    client.socket.on('error', () => (client.reset = true));
    client.socket.on('end', () => client.#end());
    client.socket.on('close', () => client.#end());
    await new Promise((resolve, reject) => {
      client.socket.once(name === 'rtmps' ? 'secureConnect' : 'connect', resolve);
      client.socket.once('error', reject);
      client.socket.once('close', () => reject(new Error('closed before it was connected')));
    });
    client.local = `${tcp.localAddress}:${tcp.localPort}`;
    return client;
  }

  /* connected, with the handshake done */
  static async shake(weir, options) {
    const client = await RtmpClient.open(weir, options);
    client.hello();
    return client;
  }

  /* connected, and `connect` answered */
  static async connected(weir, object = { app: 'live' }, options = {}) {
    const client = await RtmpClient.shake(weir, options);
    client.command(0, 'connect', 1, object);
    await client.answer('_result');
    return client;
  }

  /* publishing to `input`; connect: what else the encoder says of itself */
  static async publishing(weir, input, { chunkSize = 65536, connect = {}, ...options } = {}) {
    const client = await RtmpClient.connected(weir, { app: 'live', ...connect }, options);
    client.setChunkSize(chunkSize);
    client.command(0, 'createStream', 2, null);
    client.command(1, 'publish', 3, null, input.rtmp.streamKey, 'live');
    await client.status('NetStream.Publish.Start');
    return client;
  }

  #take(data) {
    this.bytes += data.length;
    this.received = Buffer.concat([this.received, data]);
    if (!this.shaken && this.received.length >= 3073) {
      this.shaken = true;
      this.received = this.received.subarray(3073);
    }
    if (this.shaken)
      while (this.#chunk());
    this.#wake();
  }

  /* one chunk; FALSE when it has not come as a whole */
  #chunk() {
    const bytes = this.received;
    if (bytes.length < 1)
      return false;
    const id = bytes[0] & 63;
    const format = bytes[0] >> 6;
    let at = 1;
    const stream = this.streams.get(id) ?? { payload: null };
    if (bytes.length < at + [11, 7, 3, 0][format])
      return false;
    const next = { ...stream };
    if (format < 2) {
      next.length = bytes.readUIntBE(at + 3, 3);
      next.type = bytes[at + 6];
    }
    if (format === 0)
      next.stream = bytes.readUInt32LE(at + 7);
    at += [11, 7, 3, 0][format];
    next.payload ??= Buffer.alloc(0);
    const count = Math.min(this.theirChunkSize, next.length - next.payload.length);
    if (bytes.length < at + count)
      return false;
    next.payload = Buffer.concat([next.payload, bytes.subarray(at, at + count)]);
    this.received = bytes.subarray(at + count);
    if (next.payload.length === next.length) {
      this.#answer({ id, type: next.type, stream: next.stream, payload: next.payload });
      next.payload = null;
    }
    this.streams.set(id, next);
    return true;
  }

  #answer(answer) {
    if (answer.type === type.setChunkSize)
      this.theirChunkSize = answer.payload.readUInt32BE(0);
    if (answer.type === type.command) {
      answer.values = [];
      for (let at = 0; at < answer.payload.length;) {
        let value;
        [value, at] = parseAmf(answer.payload, at);
        answer.values.push(value);
      }
      answer.name = answer.values[0];
    }
    this.answers.push(answer);
  }

  #end() {
    if (!this.closed)
      this.seconds = (performance.now() - this.opened) / 1000;
    this.closed = true;
    this.socket.destroy();
    this.#wake();
  }

  #wake() {
    for (const look of [...this.waiting])
      look();
  }

  /* waits until look() gives something true */
  until(what, look, seconds = 20) {
    return new Promise((resolve, reject) => {
      const settle = (action, value) => {
        clearTimeout(timer);
        this.waiting.delete(attempt);
        action(value);
      };
      const timer = setTimeout(() => settle(reject, new Error(`${what}: not within ${seconds} s; ${this.said()}`)), seconds * 1000);
      const attempt = () => {
        const found = look();
        if (found)
          settle(resolve, found);
        else if (this.closed)
          settle(reject, new Error(`${what}: the server closed; ${this.said()}`));
      };
      this.waiting.add(attempt);
      attempt();
    });
  }

  said() {
    return this.answers.map((a) => (a.name ? JSON.stringify(a.values) : `type ${a.type}`)).join(' ') || 'nothing was said';
  }

  /* the next answer of that name that was not taken yet */
  answer(name, seconds) {
    return this.until(name, () => {
      const found = this.answers.findIndex((a) => a.name === name);
      return found < 0 ? null : this.answers.splice(0, found + 1).pop();
    }, seconds);
  }

  /* an onStatus or `_error` with this code; returns its description */
  async status(code, name = 'onStatus', seconds = 20) {
    const { values } = await this.answer(name, seconds);
    assert.equal(values[3].code, code, JSON.stringify(values));
    return values[3].description;
  }

  error(code) {
    return this.status(code, '_error');
  }

  /* waits for the server to close, which it does before any deadline; returns after how many seconds since the connection was made */
  async end(seconds = 9) {
    try {
      await this.until('closed', () => this.closed, seconds);
    } catch (error) {
      this.close();
      throw error;
    }
    return this.seconds;
  }

  /* resolves once the bytes are with the kernel, or the connection is gone */
  send(...pieces) {
    return new Promise((resolve) => {
      if (this.closed)
        resolve();
      else
        /* what has come is read before more is sent */
        this.socket.write(Buffer.concat(pieces), () => setImmediate(resolve));
    });
  }

  /* C0, C1 and C2 without waiting */
  hello() {
    return this.send(Buffer.from([3]), Buffer.alloc(8), Buffer.alloc(1528, 7), Buffer.alloc(1536, 7));
  }

  message(id, messageType, payload, options = {}) {
    return this.send(message(id, messageType, payload, { size: this.chunkSize, ...options }));
  }

  command(stream, ...values) {
    return this.message(3, type.command, Buffer.concat(values.map(amf)), { stream });
  }

  setChunkSize(size) {
    const done = this.message(2, type.setChunkSize, u32(size));
    this.chunkSize = size;
    return done;
  }

  /* waits until the daemon has read and worked off all that was sent: a ping comes back */
  async settled(seconds = 20) {
    const stamp = Math.floor(Math.random() * 0xffffffff);
    await this.message(2, type.userControl, Buffer.concat([u16(6), u32(stamp)]));
    await this.until('an answer to a ping', () => this.answers.some((answer) => answer.type === type.userControl &&
      answer.payload.readUInt16BE(0) === 7 && answer.payload.readUInt32BE(2) === stamp), seconds);
  }

  close() {
    this.tcp.resetAndDestroy();
    this.#end();
  }
}

/* FLV bodies of a small H.264 and AAC publisher */
const record = Buffer.from('0142c01fffe100196742c01fd9005005bb0110000003001000000303c0f183248001000568cb83cb20', 'hex');
export const media = {
  avcConfig: Buffer.concat([Buffer.from([0x17, 0, 0, 0, 0]), record]),
  aacConfig: Buffer.from([0xaf, 0, 0x11, 0x90]),
  keyframe: (size = 40) => Buffer.concat([Buffer.from([0x17, 1, 0, 0, 0]), u32(size), Buffer.from([0x65]), Buffer.alloc(size - 1, 0x88)]),
  frame: (size = 20) => Buffer.concat([Buffer.from([0x27, 1, 0, 0, 0]), u32(size), Buffer.from([0x41]), Buffer.alloc(size - 1, 0x9a)]),
  sound: Buffer.from([0xaf, 1, 0x21, 0x10, 4, 0x60, 0x8c, 0x1c]),
};

/* sends a frame each 40 ms until it is closed; client.frames says how many so far */
export function keepSending(client, { video = media.avcConfig, sound = media.aacConfig } = {}) {
  client.frames = 0;
  client.message(4, type.video, video, { stream: 1 });
  if (sound)
    client.message(5, type.audio, sound, { stream: 1 });
  client.timer = setInterval(() => {
    const time = client.frames * 40;
    client.message(4, type.video, client.frames++ % 25 === 0 ? media.keyframe() : media.frame(), { stream: 1, time });
    if (sound)
      client.message(5, type.audio, media.sound, { stream: 1, time });
    if (client.closed)
      clearInterval(client.timer);
  }, 40);
  return client;
}
