// SPDX-License-Identifier: LGPL-2.1-or-later
// A real Chromium, and what its video element went through.

import { chromium } from 'playwright-core';
import { temporaryFolder } from './folder.mjs';

const ARGUMENTS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required'];

/* a browser with a profile of its own; more: its arguments */
export const openBrowser = (more = []) => chromium.launchPersistentContext(temporaryFolder('chromium'), {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [...ARGUMENTS, ...more],
  viewport: { width: 960, height: 640 },
});

/* runs body(page) in such a browser */
export async function withBrowser(body, more = []) {
  const context = await openBrowser(more);

  try {
    const page = await context.newPage();
    page.messages = [];
    page.on('console', (message) => page.messages.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => page.messages.push(`error: ${error.message}`));
    page.on('requestfailed', (request) => page.messages.push(`failed: ${request.url()}`));
    return await body(page);
  } finally {
    await context.close();
  }
}

/* before the page's own scripts: records when the video ran dry, and whether the machine was too busy to tell */
export function watchVideo(page) {
  return page.addInitScript(() => {
    const record = { firstPlaying: null, waits: [], waitingSince: null, longestFrameGap: 0, frames: 0, begun: null };
    window.record = record;

    addEventListener('DOMContentLoaded', () => {
      const video = document.querySelector('video');
      const endWait = () => {
        if (record.waitingSince !== null) {
          record.waits.push({ at: video.currentTime, ms: performance.now() - record.waitingSince });
          record.waitingSince = null;
        }
      };
      video.addEventListener('playing', () => {
        if (record.firstPlaying === null) {
          record.firstPlaying = performance.now();
          record.begun = { position: video.currentTime, buffered: video.buffered.start(0), count: video.buffered.length };
        }
        endWait();
      });
      video.addEventListener('timeupdate', () => {
        if (video.readyState >= 3)
          endWait();
      });
      video.addEventListener('waiting', () => {
        if (record.firstPlaying !== null && record.waitingSince === null && !video.seeking)
          record.waitingSince = performance.now();
      });
    });
    let last = null;
    const frame = (now) => {
      if (last !== null && record.firstPlaying !== null)
        record.longestFrameGap = Math.max(record.longestFrameGap, now - last);
      last = now;
      record.frames++;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

/* longest time the video waited since it first played, ms */
export async function readRecord(page) {
  return page.evaluate(() => {
    const video = document.querySelector('video');
    const { record } = window;
    const waits = record.waits.map((wait) => wait.ms);
    if (record.waitingSince !== null)
      waits.push(performance.now() - record.waitingSince);
    return {
      ...record,
      longestWait: Math.max(0, ...waits),
      position: video.currentTime,
      decoded: video.getVideoPlaybackQuality().totalVideoFrames,
      size: [video.videoWidth, video.videoHeight],
    };
  });
}
