// SPDX-License-Identifier: LGPL-2.1-or-later
// What a viewer sees on the watch page, in a real browser.

import assert from 'node:assert/strict';
import { readRecord, watchVideo, withBrowser } from './support/browser.mjs';
import { Process } from './support/process.mjs';
import { test } from './support/test.mjs';
import { sleep } from './support/wait.mjs';
import { withWeir } from './support/weir.mjs';

const PLAYED_SECONDS = 60;
const LONGEST_WAIT_MS = 250;
const VOID_FRAME_GAP_MS = 500; // the machine was too busy to judge a player on it
const TRIES = 3;

const publish = (url) => new Process('ffmpeg', ['-v', 'error', '-re',
  '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-f', 'lavfi', '-i', 'sine=frequency=440:beep_factor=4:sample_rate=48000',
  '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-bf', '2', '-g', '50', '-b:v', '300k', '-threads', '1',
  '-c:a', 'aac', '-b:a', '64k', '-f', 'flv', url]);

async function watch(weir) {
  const input = await weir.createInput();
  let broadcast;

  const live = await withBrowser(async (page) => {
    await watchVideo(page);
    await page.goto(`${weir.url}/${input.uid}/watch`);
    await page.waitForFunction(() => document.body.dataset.state === 'idle');

    /* the page was there first, and starts by itself */
    const encoder = publish(input.publishUrl);
    broadcast = (await weir.waitForState(input.uid, 'live')).videoUID;
    await page.waitForFunction(() => window.record.firstPlaying !== null, null, { timeout: 30_000 })
      .catch((error) => { throw new Error(`${error.message}\n${page.messages.join('\n')}`); });
    await sleep(PLAYED_SECONDS * 500);
    const before = await page.locator('video').screenshot();
    await sleep(2000);
    const after = await page.locator('video').screenshot();
    await sleep(PLAYED_SECONDS * 500 - 2000);
    const record = await readRecord(page);
    const state = await page.evaluate(() => document.body.dataset.state);

    await encoder.stop();
    assert.equal(state, 'live');
    assert.ok(!before.equals(after), 'the picture does not move');
    /* the page notices the end by itself, too */
    await page.waitForFunction(() => document.body.dataset.state === 'ended', null, { timeout: 40_000 });
    return record;
  });

  /* the recording begins at 0, without a hole */
  await weir.waitForState(broadcast, 'ready');
  const recording = await withBrowser(async (page) => {
    await watchVideo(page);
    await page.goto(`${weir.url}/${broadcast}/watch`);
    await page.waitForFunction(() => window.record.firstPlaying !== null && document.querySelector('video').currentTime > 2,
      null, { timeout: 30_000 });
    return readRecord(page);
  });
  return { live, recording };
}

test('60 s of a live broadcast play without a halt, and the recording from its first frame', { seconds: 400, alone: true }, async () => {
  await withWeir({}, async (weir) => {
    let result;

    for (let tries = 1; tries <= TRIES; tries++) {
      result = await watch(weir);
      if (result.live.longestFrameGap <= VOID_FRAME_GAP_MS)
        break;
      console.log(`   void: the browser drew nothing for ${Math.round(result.live.longestFrameGap)} ms (try ${tries} of ${TRIES})`);
    }
    const { live, recording } = result;
    const told = JSON.stringify(live);
    assert.ok(live.longestFrameGap <= VOID_FRAME_GAP_MS, `the machine was too busy: ${told}`);
    assert.ok(live.longestWait <= LONGEST_WAIT_MS, `the player waited ${live.longestWait} ms: ${told}`);
    assert.deepEqual(live.size, [320, 180]);
    assert.equal(live.begun.count, 1, told);
    assert.ok(live.position - live.begun.position > PLAYED_SECONDS - 2, told);
    assert.ok(live.decoded > (PLAYED_SECONDS - 2) * 25 * 0.9, `${live.decoded} frames shown: ${told}`);
    assert.ok(recording.begun.buffered < 0.01, `a hole of ${recording.begun.buffered} s at the beginning`);
    assert.ok(recording.begun.position < 0.5, JSON.stringify(recording));
  });
});
