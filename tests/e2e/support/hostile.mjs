// SPDX-License-Identifier: LGPL-2.1-or-later
// Bad peers beside a good broadcast: one daemon, one encoder in real time for all of it, any number of cases that do
// their worst to the daemon, and a judgement at the end of what the good broadcast and the daemon noticed.
//
//   besideGoodBroadcast({ together: 6 }, [
//     { name: 'a request line of 1 MiB is refused', async run({ weir, good }) { … assert … } },
//     { name: 'a flood for a minute', long: true, async run({ weir }) { … } },
//   ]);
//
// Each case becomes a test, the judgement the last one; all of them share one run, `together` cases at a time, in the
// order of the list. What the judgement says about time is measured outside of the cases' thread.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { temporaryFolder } from './folder.mjs';
import { mediaPlaylists, recordedPlaylists } from './hls.mjs';
import { makeReference } from './media.mjs';
import { fragments } from './mp4.mjs';
import { Process } from './process.mjs';
import { shared, test } from './test.mjs';
import { until } from './wait.mjs';
import { settings as program, Weir } from './weir.mjs';

const MIB = 1024 * 1024;

/* what of a process' memory is its own, bytes */
export function privateMemory(weir) {
  const text = fs.readFileSync(`/proc/${weir.process.pid}/smaps_rollup`, 'latin1');
  return [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/mg)].reduce((sum, [, kib]) => sum + kib * 1024, 0);
}

/* the value of a metric, summed over its labels unless these are given: metric(weir, 'weir_x_total{reason="y"}') */
export async function metric(weir, name) {
  const lines = (await weir.text('/metrics')).split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/* what all good broadcasts send, as long as the longest of them needs it: it takes a while to make */
let clipSeconds = 0;
const clip = shared(() => makeReference(path.join(temporaryFolder('good'), 'good.flv'),
  { seconds: clipSeconds, video: { bframes: 0, gop: 25 } }));

/**
 * settings:
 *   options      of the daemon, as Weir.start()
 *   together     cases side by side (6)
 *   seconds      longest time of all cases together (120); also how long the encoder can go on
 *   growth       private memory that the daemon may have gained when the cases are over, bytes (32 MiB)
 *   longestPush  the longest time a worker may have been kept by one push, s (0.05)
 *   alone        what test() takes (true): scenes of the same name go on side by side
 *   lateness     by how much a segment may appear later than its duration after the one before, s (1.5)
 * cases: [{ name, long, run({ weir, good }) }]; good: the live input of the good broadcast, with its `videoUID`
 */
export function besideGoodBroadcast(settings, cases) {
  const chosen = cases.filter((one) => program.long || !one.long);
  const all = { options: {}, together: 6, seconds: 120, growth: 32 * MIB, longestPush: 0.05, lateness: 1.5, alone: true, ...settings };

  clipSeconds = Math.max(clipSeconds, all.seconds + 30);
  const scene = shared(() => play(all, chosen), async (made) => {
    if (made === null)
      return;
    await made.cadence.terminate();
    await made.encoder.stop('SIGKILL');
    const code = await made.weir.stop();
    if (code !== 0)
      throw new Error(`the daemon ended with ${code}:\n${made.weir.process.tail(40)}`);
  });

  for (const one of chosen)
    test(one.name, { alone: all.alone, seconds: all.seconds + 60, prepare: clip }, async () => {
      const error = await (await scene()).outcomes.get(one);
      if (error)
        throw error;
    });
  test('the good broadcast beside them and the daemon noticed nothing',
    { alone: all.alone, seconds: all.seconds + 120, prepare: clip }, async () => judge(await scene(), all));
}

/* begins the broadcast, then the cases; outcomes: case → promise of its error or null */
async function play(settings, cases) {
  const weir = await Weir.start({ options: { 'segments.duration': '1s', ...settings.options } });
  const good = await weir.createInput({ meta: { name: 'the good one' } });
  const encoder = new Process('ffmpeg', ['-v', 'warning', '-re', '-i', await clip(), '-c', 'copy', '-f', 'flv', good.publishUrl]);

  good.videoUID = (await weir.waitForState(good.uid, 'live')).videoUID;
  const playlist = await until('a playlist of the good broadcast', async () => {
    const response = await weir.fetch(`/${good.uid}/manifest/video.m3u8`);
    return response.status === 200 && (await mediaPlaylists(() => response.text(), `/${good.uid}/manifest/video.m3u8`))[0];
  });
  const cadence = new Worker(new URL('./cadence.mjs', import.meta.url), { workerData: new URL(playlist, weir.url).href });
  const seen = { count: 0, longest: 0, error: null };
  cadence.on('message', (message) => Object.assign(seen, message));
  cadence.on('error', (error) => (seen.error = error.message));
  await until('three segments of the good broadcast', () => seen.count >= 3 || seen.error);

  const made = { weir, good, encoder, cadence, seen, memory: privateMemory(weir), outcomes: new Map() };
  const queue = cases.map((one) => ({ one, settle: null }));
  for (const entry of queue)
    made.outcomes.set(entry.one, new Promise((resolve) => (entry.settle = resolve)));
  const player = async () => {
    for (let entry = queue.shift(); entry; entry = queue.shift()) {
      try {
        await entry.one.run(made);
        entry.settle(null);
      } catch (error) {
        entry.settle(error);
      }
    }
  };
  made.over = Promise.all(Array.from({ length: settings.together }, player));
  return made;
}

async function judge(made, settings) {
  const { weir, good, encoder, seen } = made;

  await made.over;
  assert.equal(weir.process.code, undefined, `the daemon ended:\n${weir.process.tail(40)}`);
  assert.equal(encoder.code, undefined, `the good encoder ended:\n${encoder.tail()}\n${weir.process.tail(20)}`);
  assert.equal((await weir.lifecycle(good.uid)).state, 'live');

  /* memory that was freed may be given back a little later */
  const grown = () => privateMemory(weir) - made.memory;
  await until(() => `private memory: ${made.memory} bytes before, ${grown()} more after`,
    () => grown() <= settings.growth, { seconds: 10 });

  /* two more segments, then what came when */
  const count = seen.count;
  await until('two more segments', () => seen.count >= count + 2 || seen.error);
  assert.equal(seen.error, null);
  assert.ok(seen.longest <= settings.lateness, `a segment appeared ${seen.longest} s late`);
  const push = (await weir.text('/metrics')).matchAll(/^weir_worker_longest_push_seconds\{worker="(\d+)"\} ([\d.]+)$/mg);
  for (const [, worker, seconds] of push)
    assert.ok(Number(seconds) < settings.longestPush, `a push kept worker ${worker} for ${seconds} s`);

  await encoder.stop();
  await weir.waitForState(good.uid, ['idle', 'ended', 'ready']);
  await continuous(weir, good.videoUID);
  /* whatever was logged is fit to be read in a terminal */
  const raw = weir.process.output.replace(/[\n\x20-\x7e]|[^\x00-\x7f]/g, '');
  assert.equal(raw, '', `control characters in the log: ${JSON.stringify(raw)}`);
}

/* each fragment of the recording begins where the one before of its track ends */
async function continuous(weir, uid) {
  for (const { playlist, list } of await recordedPlaylists(weir, uid)) {
    const ends = new Map();

    assert.ok(list.ended, `${playlist} has no end`);
    for (const segment of list.segments) {
      assert.ok(!segment.gap && !segment.discontinuity, `${segment.uri} comes after a gap or a discontinuity`);
      const parts = [await weir.bytes(segment.map), await weir.bytes(segment.uri)];
      for (const { kind, decode, duration } of fragments(Buffer.concat(parts))) {
        assert.equal(decode, ends.get(kind) ?? decode, `${segment.uri}: a gap in the decode times`);
        ends.set(kind, decode + duration);
      }
    }
    assert.ok(ends.size > 0, `${playlist} has no media`);
  }
}
