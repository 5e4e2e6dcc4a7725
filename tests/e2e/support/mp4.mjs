// SPDX-License-Identifier: LGPL-2.1-or-later
// Presentation times of a fragmented MP4 as the boxes give them and browsers take them. (FFmpeg moves a track with
// signed composition offsets by the most negative one, so ffprobe cannot tell.)

function* boxes(bytes, from = 0, to = bytes.length) {
  while (from + 8 <= to) {
    const size = bytes.readUInt32BE(from);
    if (size < 8 || from + size > to)
      throw new Error(`a box of ${size} bytes at ${from}`);
    yield { type: bytes.toString('latin1', from + 4, from + 8), body: bytes.subarray(from + 8, from + size) };
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
