// SPDX-License-Identifier: LGPL-2.1-or-later
// node publish-av.mjs FILE URL: publishes a file with the FFmpeg that node-av brings (8), in real time

import { FFmpegError, FormatContext, Packet } from 'node-av';

const [file, url] = process.argv.slice(2);
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
const begin = performance.now();
while (await input.readFrame(packet) >= 0) {
  const from = input.streams[packet.streamIndex];
  const due = Number(packet.dts) * from.timeBase.num / from.timeBase.den * 1000;
  const early = due - (performance.now() - begin);

  if (early > 0)
    await new Promise((resolve) => setTimeout(resolve, early));
  packet.rescaleTs(from.timeBase, streams[packet.streamIndex].timeBase);
  check(await output.interleavedWriteFrame(packet), 'send');
  packet.unref();
}
check(await output.writeTrailer(), 'end');
await output.closeOutput();
process.exit(0);
