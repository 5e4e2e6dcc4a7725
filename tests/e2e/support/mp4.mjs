// SPDX-License-Identifier: LGPL-2.1-or-later
// Presentation times of a fragmented MP4 as the boxes give them and browsers take them. (FFmpeg moves a track with
// signed composition offsets by the most negative one, so ffprobe cannot tell.)

function* boxes(bytes, from = 0, to = bytes.length) {
  while (from + 8 <= to) {
    const size = bytes.readUInt32BE(from);
    if (size < 8 || from + size > to)
      throw new Error(`a box of ${size} bytes at ${from}`);
    yield { type: bytes.toString('latin1', from + 4, from + 8), body: bytes.subarray(from + 8, from + size), from };
    from += size;
  }
}

const child = (body, type) => [...boxes(body)].find((box) => box.type === type)?.body;

/* Map: track_ID → { kind: 'video' or 'audio', first: seconds } over the first fragment of each track */
export function firstTimes(bytes) {
  const tracks = new Map();

  for (const { type, body } of boxes(bytes)) {
    if (type === 'moov') {
      for (const box of boxes(body)) {
        if (box.type !== 'trak')
          continue;
        const tkhd = child(box.body, 'tkhd');
        const mdia = child(box.body, 'mdia');
        const mdhd = child(mdia, 'mdhd');
        tracks.set(tkhd.readUInt32BE(tkhd[0] === 1 ? 20 : 12), {
          kind: child(mdia, 'hdlr').toString('latin1', 8, 12) === 'vide' ? 'video' : 'audio',
          timescale: mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12),
        });
      }
    }
    if (type !== 'moof')
      continue;
    for (const box of boxes(body)) {
      if (box.type !== 'traf')
        continue;
      const tfhd = child(box.body, 'tfhd');
      const track = tracks.get(tfhd.readUInt32BE(4));
      if (track === undefined || track.first !== undefined)
        continue;
      const flags = tfhd.readUInt32BE(0) & 0xffffff;
      const defaultDuration = flags & 8 ? tfhd.readUInt32BE(8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0)) : 0;
      const tfdt = child(box.body, 'tfdt');
      let decode = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
      const trun = child(box.body, 'trun');
      const has = trun.readUInt32BE(0) & 0xffffff;
      let at = 8 + (has & 1 ? 4 : 0) + (has & 4 ? 4 : 0);
      let first = Infinity;
      for (let i = 0; i < trun.readUInt32BE(4); i++) {
        const duration = has & 0x100 ? trun.readUInt32BE(at) : defaultDuration;
        at += (has & 0x100 ? 4 : 0) + (has & 0x200 ? 4 : 0) + (has & 0x400 ? 4 : 0);
        const offset = !(has & 0x800) ? 0 : trun[0] === 1 ? trun.readInt32BE(at) : trun.readUInt32BE(at);
        at += has & 0x800 ? 4 : 0;
        first = Math.min(first, decode + offset);
        decode += duration;
      }
      track.first = first / track.timescale;
      track.decode = (tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4)) / track.timescale;
    }
  }
  return tracks;
}

/* every fragment in order: { kind, decode, duration }, in the units of its track; bytes begin with an init segment */
export function* fragments(bytes) {
  const kinds = new Map();
  const defaults = new Map();

  for (const { type, body } of boxes(bytes)) {
    if (type === 'moov') {
      for (const box of boxes(body)) {
        if (box.type === 'trak') {
          const tkhd = child(box.body, 'tkhd');
          const hdlr = child(child(box.body, 'mdia'), 'hdlr');
          kinds.set(tkhd.readUInt32BE(tkhd[0] === 1 ? 20 : 12), hdlr.toString('latin1', 8, 12) === 'vide' ? 'video' : 'audio');
        } else if (box.type === 'mvex') {
          for (const trex of boxes(box.body))
            if (trex.type === 'trex')
              defaults.set(trex.body.readUInt32BE(4), trex.body.readUInt32BE(12));
        }
      }
    }
    if (type !== 'moof')
      continue;
    for (const traf of boxes(body)) {
      if (traf.type !== 'traf')
        continue;
      const tfhd = child(traf.body, 'tfhd');
      const id = tfhd.readUInt32BE(4);
      const flags = tfhd.readUInt32BE(0) & 0xffffff;
      const usual = flags & 8 ? tfhd.readUInt32BE(8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0)) : defaults.get(id);
      const tfdt = child(traf.body, 'tfdt');
      const decode = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
      let duration = 0;
      for (const trun of boxes(traf.body)) {
        if (trun.type !== 'trun')
          continue;
        const has = trun.body.readUInt32BE(0) & 0xffffff;
        const count = trun.body.readUInt32BE(4);
        const each = [0x100, 0x200, 0x400, 0x800].filter((bit) => has & bit).length * 4;
        const from = 8 + (has & 1 ? 4 : 0) + (has & 4 ? 4 : 0);
        for (let i = 0; i < count; i++)
          duration += has & 0x100 ? trun.body.readUInt32BE(from + i * each) : usual;
      }
      yield { kind: kinds.get(id), decode, duration };
    }
  }
}

/* what a sample entry says of itself: its name, the object type of its esds (MPEG audio has one name for all) */
function entryOf(stsd) {
  const { type, body } = [...boxes(stsd, 8)][0];
  const esds = type === 'mp4a' ? body.indexOf('esds', 'latin1') : -1;
  /* a DecoderConfigDescriptor (tag 4) begins with it; lengths before it have one byte or four */
  for (let at = esds + 8; esds >= 0 && at < body.length; at++)
    if (body[at] === 4)
      for (at++; ; at++)
        if (body[at] < 0x80)
          return { entry: type, objectType: body[at + 1] };
  return { entry: type };
}

/**
 * Every sample of a fragmented MP4 in order, by track: [{ id, kind, entry, objectType?, language, timescale,
 * samples: [{ dts, pts, duration, sync, data }] }], times in units of the track's timescale. bytes begin with an init
 * segment.
 */
export function readTracks(bytes) {
  const tracks = new Map();

  for (const { type, body, from: moof } of boxes(bytes)) {
    if (type === 'moov') {
      for (const box of boxes(body)) {
        if (box.type === 'trak') {
          const tkhd = child(box.body, 'tkhd');
          const mdia = child(box.body, 'mdia');
          const mdhd = child(mdia, 'mdhd');
          const id = tkhd.readUInt32BE(tkhd[0] === 1 ? 20 : 12);
          const language = mdhd.readUInt16BE(mdhd[0] === 1 ? 32 : 20);
          tracks.set(id, {
            id,
            kind: child(mdia, 'hdlr').toString('latin1', 8, 12) === 'vide' ? 'video' : 'audio',
            timescale: mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12),
            language: String.fromCharCode(...[10, 5, 0].map((shift) => 0x60 + (language >> shift & 31))),
            ...entryOf(child(child(child(mdia, 'minf'), 'stbl'), 'stsd')),
            defaults: {},
            samples: [],
          });
        } else if (box.type === 'mvex') {
          for (const { type: name, body: trex } of boxes(box.body))
            if (name === 'trex')
              Object.assign(tracks.get(trex.readUInt32BE(4)).defaults,
                { duration: trex.readUInt32BE(12), size: trex.readUInt32BE(16), flags: trex.readUInt32BE(20) });
        }
      }
    }
    if (type !== 'moof')
      continue;
    for (const traf of boxes(body)) {
      if (traf.type !== 'traf')
        continue;
      const tfhd = child(traf.body, 'tfhd');
      const track = tracks.get(tfhd.readUInt32BE(4));
      const given = tfhd.readUInt32BE(0);
      const usual = { ...track.defaults };
      let at = 8;
      if (given & 1)
        throw new Error('a base data offset in a fragment that is to be moved');
      at += given & 2 ? 4 : 0;
      for (const [bit, name] of [[8, 'duration'], [0x10, 'size'], [0x20, 'flags']]) {
        if (given & bit) {
          usual[name] = tfhd.readUInt32BE(at);
          at += 4;
        }
      }
      const tfdt = child(traf.body, 'tfdt');
      let dts = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
      let where = 0;
      for (const { type: name, body: trun } of boxes(traf.body)) {
        if (name !== 'trun')
          continue;
        const has = trun.readUInt32BE(0);
        let field = 8;
        const next = () => trun.readUInt32BE((field += 4) - 4);
        if (has & 1)
          where = moof + trun.readInt32BE((field += 4) - 4);
        const first = has & 4 ? next() : undefined;
        for (let i = 0, count = trun.readUInt32BE(4); i < count; i++) {
          const duration = has & 0x100 ? next() : usual.duration;
          const size = has & 0x200 ? next() : usual.size;
          const flags = has & 0x400 ? next() : i === 0 && first !== undefined ? first : usual.flags;
          const offset = !(has & 0x800) ? 0 : trun[0] === 1 ? next() | 0 : next();
          if (where + size > bytes.length)
            throw new Error(`a sample of ${size} bytes at ${where} of ${bytes.length}`);
          track.samples.push({ dts, pts: dts + offset, duration, sync: !(flags & 0x10000), data: bytes.subarray(where, where + size) });
          dts += duration;
          where += size;
        }
      }
    }
  }
  return [...tracks.values()];
}
