// SPDX-License-Identifier: LGPL-2.1-or-later
// FLV files as lists of tags, and a publisher that sends such lists, in whatever shape a test gave them, in real time.

import fs from 'node:fs';
import { Worker } from 'node:worker_threads';
import { amf, type, u24, u32 } from './rtmp.mjs';

/* a script tag's values as sent in a data message */
export const onMetaData = (values) => Buffer.concat([amf('@setDataFrame'), amf('onMetaData'), amf(values)]);

/**
 * Tags of an FLV file of H.264 and AAC: [{ type, kind, config, key, time, cts, body, unit }]. unit: the record or the access unit
 * without its header; time, cts: ms
 */
export function readFlv(file) {
  const bytes = fs.readFileSync(file);
  const tags = [];

  for (let at = bytes.readUInt32BE(5) + 4; at + 11 <= bytes.length;) {
    const size = bytes.readUIntBE(at + 1, 3);
    const body = bytes.subarray(at + 11, at + 11 + size);
    const tag = { type: bytes[at] & 31, time: bytes.readUIntBE(at + 4, 3) + bytes[at + 7] * 0x1000000, body, cts: 0 };

    at += 11 + size + 4;
    if (tag.type === type.video && (body[0] & 15) === 7 && body[1] < 2)
      tags.push({ ...tag, kind: 'video', config: body[1] === 0, key: body[0] >> 4 === 1,
        cts: body.readIntBE(2, 3), unit: body.subarray(5) });
    else if (tag.type === type.audio && body[0] >> 4 === 10)
      tags.push({ ...tag, kind: 'audio', config: body[1] === 0, key: true, unit: body.subarray(2) });
  }
  return tags;
}

/* the same, for a tag whose access unit or record was changed */
export const avcBody = ({ config, key, cts }, unit) =>
  Buffer.concat([Buffer.from([key ? 0x17 : 0x27, config ? 0 : 1]), u24(cts), unit]);
export const aacBody = ({ config }, unit) => Buffer.concat([Buffer.from([0xaf, config ? 0 : 1]), unit]);

/* Enhanced RTMP: packet 0 is a configuration, 1 frames (3 for video without composition time) */
export const videoBody = (fourcc, packet, key, unit, cts) => Buffer.concat([
  Buffer.from([0x80 | (key ? 1 : 2) << 4 | packet]), Buffer.from(fourcc), ...(cts === undefined ? [] : [u24(cts)]), unit]);
export const audioBody = (fourcc, packet, unit) =>
  Buffer.concat([Buffer.from([0x90 | packet]), Buffer.from(fourcc), unit]);
/* one track of several in a message of its own */
export const manyBody = (kind, fourcc, packet, track, key, unit) => Buffer.concat([
  Buffer.from([kind === 'video' ? 0x80 | (key ? 1 : 2) << 4 | 6 : 0x95, packet]), Buffer.from(fourcc), Buffer.from([track]), unit]);

/* NAL units with lengths of four bytes before them */
export function nalUnits(unit) {
  const units = [];

  for (let at = 0; at + 4 <= unit.length;) {
    const size = unit.readUInt32BE(at);
    units.push(unit.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return units;
}
export const withLengths = (units) => Buffer.concat(units.flatMap((unit) => [u32(unit.length), unit]));
export const withStartCodes = (units) => Buffer.concat(units.flatMap((unit) => [u32(1), unit]));

/**
 * Sends messages: [{ type, time, body, due }], time: of any size, its lowest 32 bits are sent; due: ms since the beginning. A thread
 * does it, since this one has other things to do.
 * Resolves when all are sent and the stream was ended in order, with by how many ms the latest of them was late.
 */
export function publishMessages(weir, input, messages) {
  const worker = new Worker(new URL('publish-messages.mjs', import.meta.url), { workerData: {
    address: weir.address('rtmp'),
    streamKey: input.rtmp.streamKey,
    messages: messages.map(({ type: kind, time, body, due }) => ({ kind, time, body, due })),
  } });

  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the publisher ended')));
  });
}
