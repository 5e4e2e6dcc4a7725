// SPDX-License-Identifier: LGPL-2.1-or-later
// What a process holds, and whether many encoders that come and go change that.

import fs from 'node:fs';
import { run } from './process.mjs';
import { until } from './wait.mjs';

/* KiB that no other process shares; clean: also what could be read from a file again */
export function privateMemory(pid, { clean = false } = {}) {
  let sum = 0;

  for (const [, kind, kib] of fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_(Clean|Dirty): +(\d+) kB/gm))
    sum += kind === 'Dirty' || clean ? Number(kib) : 0;
  return sum;
}

export const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

/* `connections` publishers, `together` at once, each for a second and each its own broadcast. Returns what the
 * daemon (whose recording.timeout is 1 s) holds before and after them, when all broadcasts have ended. */
export async function churn(weir, publisher, clip, { connections = 1000, together = 50 } = {}) {
  const { pid } = weir.process;
  const port = weir.address('rtmp').split(':').pop();
  const sets = Array.from({ length: 3 }, () => []);
  let next = 0;

  for (const set of sets)
    while (set.length < together)
      set.push(`live/${(await weir.createInput({ recording: { mode: 'off' } })).rtmp.streamKey}`);
  const round = () => run(publisher, ['--spread', '0.1', clip, '127.0.0.1', port, '1', ...sets[next++ % sets.length]]);
  const held = async () => {
    await until('all broadcasts have ended', async () => {
      const text = await weir.text('/metrics');
      return /^weir_live_broadcasts 0$/m.test(text);
    }, { seconds: 20 });
    /* answered by the thread that was still busy with the last one's end */
    await weir.api('GET', '/live_inputs');
    return { memory: privateMemory(pid), descriptors: descriptors(pid) };
  };

  /* what is made once and kept: threads, the last broadcast of each input, and the heap's usual holes */
  for (let i = 0; i < 2 * sets.length; i++)
    await round();
  const before = await held();
  for (let i = 0; i < connections / together; i++)
    await round();
  return { before, after: await held() };
}
