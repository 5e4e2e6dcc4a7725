// SPDX-License-Identifier: LGPL-2.1-or-later
// node encode.mjs ADDRESS KEY CLIP MS: LiveEncoder as a process of its own, from MS of the clip on; says when it has
// begun and after each unit that is with the kernel how many of pictures and sound have been sent.

import { LiveEncoder, readClip } from './encoder.mjs';

const [address, streamKey, file, position] = process.argv.slice(2);
const encoder = new LiveEncoder(address, { rtmp: { streamKey } }, readClip(file));
let told = false;

encoder.onSent = ({ begun, base, last, slow, sent }) => {
  const { length: video } = sent.video;
  const { length: audio } = sent.audio;
  if (!told)
    process.stdout.write(`begun ${begun} ${base} \n`);
  told = true;
  encoder.client.socket.write('', () => process.stdout.write(`sent ${video} ${audio} ${last} ${slow} \n`));
};
await encoder.connect({ position: Number(position) });
