// SPDX-License-Identifier: LGPL-2.1-or-later
// A thread that follows one live media playlist, workerData its URL, and tells after each new segment how many there
// were and by how much the latest of them was late, s: how much longer than its own duration it took to appear.

import { parentPort, workerData } from 'node:worker_threads';
import { parseMedia } from './hls.mjs';
import { sleep } from './wait.mjs';

let last = null;
let count = 0;
let longest = 0;
let at = 0;

for (;;) {
  const response = await fetch(workerData);
  const list = parseMedia(await response.text());
  const next = list.mediaSequence + list.segments.length;

  if (next !== last) {
    const now = performance.now();
    const added = last === null ? [] : list.segments.slice(last - next);
    if (added.length > 0)
      longest = Math.max(longest, (now - at) / 1000 - added.reduce((sum, segment) => sum + segment.duration, 0));
    last = next;
    at = now;
    count++;
    parentPort.postMessage({ count, longest });
  }
  if (list.ended)
    break;
  await sleep(100);
}
