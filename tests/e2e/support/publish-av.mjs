// SPDX-License-Identifier: LGPL-2.1-or-later
// node publish-av.mjs FILE URL [MS]: publishes a file with the FFmpeg that node-av brings (8), in real time; its
// sound is sent MS milliseconds late, with its own stamps

import { AVMEDIA_TYPE_AUDIO, FFmpegError, FormatContext, Packet } from 'node-av';

const [file, url, late = '0'] = process.argv.slice(2);
const check = (result, what) => FFmpegError.throwIfError(result, what);

const input = new FormatContext();
check(await input.openInput(file), 'open the file');
check(await input.findStreamInfo(), 'read the streams');

const output = new FormatContext();
check(output.allocOutputContext2(null, 'flv', url), 'make the output');
const streams = input.streams.map((from) => {
  const to = output.newStream();
  check(from.codecpar.copy(to.codecpar), 'copy the parameters');
  to.codecpar.codecTag = 0;
  to.timeBase = from.timeBase;
  return to;
});
check(await output.openOutput(), 'connect');
check(await output.writeHeader(), 'begin');

const packet = new Packet();
packet.alloc();
const packets = [];
while (await input.readFrame(packet) >= 0) {
  const { timeBase, codecpar } = input.streams[packet.streamIndex];
  const due = Number(packet.dts) * timeBase.num / timeBase.den * 1000;

  packets.push({ packet: packet.clone(), due: due + (codecpar.codecType === AVMEDIA_TYPE_AUDIO ? Number(late) : 0) });
  packet.unref();
}
packets.sort((a, b) => a.due - b.due);

/* as they are due: what is late is late on the wire, too, so nothing may bring it back into order */
const begin = performance.now();
for (const { packet, due } of packets) {
  const early = due - (performance.now() - begin);

  if (early > 0)
    await new Promise((resolve) => setTimeout(resolve, early));
  packet.rescaleTs(input.streams[packet.streamIndex].timeBase, streams[packet.streamIndex].timeBase);
  check(await output.writeFrame(packet), 'send');
}
check(await output.writeTrailer(), 'end');
await output.closeOutput();
process.exit(0);
