// SPDX-License-Identifier: LGPL-2.1-or-later
// A thread that publishes messages in real time: see publishMessages() in flv.mjs.

import { parentPort, workerData } from 'node:worker_threads';
import { RtmpClient, type } from './rtmp.mjs';
import { sleep } from './wait.mjs';

const { address, streamKey, messages } = workerData;
const chunkStreams = { [type.audio]: 4, [type.video]: 6, [type.data]: 5 };

const client = await RtmpClient.publishing({ address: () => address }, { rtmp: { streamKey } });
const begin = performance.now();
let late = 0;

for (const { kind, time, body, due } of messages) {
  const early = due - (performance.now() - begin);

  if (early > 0)
    await sleep(early);
  if (client.closed)
    throw new Error(`the daemon closed after ${due} ms: ${client.said()}`);
  late = Math.max(late, performance.now() - begin - due);
  await client.message(chunkStreams[kind], kind, Buffer.from(body),
    { stream: 1, time: Number(BigInt.asUintN(32, BigInt(Math.trunc(time)))) });
}
await client.command(0, 'FCUnpublish', 6, null, streamKey);
await client.command(0, 'deleteStream', 7, null, 1);
await client.status('NetStream.Unpublish.Success');
client.close();
parentPort.postMessage(late);
