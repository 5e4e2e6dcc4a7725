// SPDX-License-Identifier: LGPL-2.1-or-later
// One Chromium with hls.js for many streams: a page for each daemon, a muted video for each stream.

import { openBrowser } from './browser.mjs';
import { shared } from './test.mjs';
import { until } from './wait.mjs';

const TICK_MS = 50;
/* a tick that comes later than this tells of the machine, not of the player */
const LATE_TICK_MS = 250;

const browser = shared(openBrowser, (context) => context?.close());
const pages = new Map();

function page(weir) {
  if (!pages.has(weir.url)) {
    pages.set(weir.url, (async () => {
      const made = await (await browser()).newPage();
      const where = `${weir.url}/players`;
      await made.route(where, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><script src="/web/hls.min.js"></script>' }));
      await made.goto(where);
      return made;
    })());
  }
  return pages.get(weir.url);
}

/* what of these types the browser plays in MP4: { type: true or false } */
export const supported = async (weir, types) => (await page(weir)).evaluate((all) =>
  Object.fromEntries(all.map((type) => [type, MediaSource.isTypeSupported(type)])), types);

/**
 * Plays an input or a broadcast as a viewer would who comes as soon as it is listed: with 4 s in the buffer it begins, and goes on to
 * the end. lead: another number of seconds; patient: asks again, as hls.js wants its users to, when it has given up what it could not load
 */
export async function play(weir, id, { lead = 4, patient = false } = {}) {
  const where = `/${id}/manifest/video.m3u8`;
  const own = await page(weir);

  await until(`${where} is listed`, async () => (await weir.fetch(where)).status === 200, { seconds: 60, every: 200 });
  await own.evaluate(({ source, name, wanted, tickMs, lateMs, retries }) => {
    const { Hls } = window;
    const video = document.createElement('video');
    const record = { errors: [], fatal: null, stills: [], first: null, position: 0, ended: false, decoded: 0, dropped: 0, size: [0, 0], buffered: [] };
    const hls = new Hls({ liveSyncDurationCount: 3, backBufferLength: 60 });
    let still = 0;
    let last = performance.now();

    video.muted = true;
    video.width = 160;
    document.body.append(video);
    (window.players ??= {})[name] = { video, hls, record };
    hls.on(Hls.Events.ERROR, (_, data) => {
      const told = `${data.details} at ${video.currentTime.toFixed(2)}: ${data.error?.message ?? data.reason ?? ''}`;
      record.errors.push(told);
      if (data.fatal && data.type === Hls.ErrorTypes.NETWORK_ERROR && retries)
        setTimeout(() => hls.startLoad(), 500);
      else if (data.fatal)
        record.fatal ??= told;
    });
    video.addEventListener('ended', () => (record.ended = true));
    video.addEventListener('error', () => (record.fatal ??= `the element: ${video.error?.message}`));
    record.timer = setInterval(() => {
      const now = performance.now();
      const passed = Math.min(now - last, lateMs);
      const { buffered, currentTime } = video;
      const level = hls.levels?.[Math.max(hls.currentLevel, 0)]?.details;
      last = now;
      if (!record.begun && buffered.length > 0 &&
          (buffered.end(buffered.length - 1) - buffered.start(0) >= wanted || level?.live === false)) {
        record.begun = true;
        video.play().catch((error) => (record.fatal ??= `play: ${error.message}`));
      }
      if (currentTime !== record.position) {
        if (record.first === null)
          record.first = currentTime;
        else if (still > 200)
          record.stills.push({ at: record.position, ms: Math.round(still), to: currentTime });
        still = 0;
        record.position = currentTime;
      } else if (record.first !== null && !record.ended) {
        still += passed;
      }
      const quality = video.getVideoPlaybackQuality();
      record.still = still;
      record.decoded = quality.totalVideoFrames;
      record.dropped = quality.droppedVideoFrames;
      record.size = [video.videoWidth, video.videoHeight];
      record.buffered = Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
      /* behind a hole that is smaller than maxBufferHole hls.js 1.7.4 never says so, though all has been played */
      record.ended ||= level?.live === false && still > 1000 && currentTime > buffered.end(buffered.length - 1) - 0.2 && buffered.end(buffered.length - 1) > level.edge - 0.2;
    }, tickMs);
    hls.loadSource(source);
    hls.attachMedia(video);
  }, { source: where, name: id, wanted: lead, tickMs: TICK_MS, lateMs: LATE_TICK_MS, retries: patient });
  const look = () => own.evaluate((name) => {
    const { timer, ...record } = window.players[name].record;
    return record;
  }, id);
  const finish = async (what, enough, seconds) => {
    let last;
    await until(() => `${where} ${what}: ${JSON.stringify(last)}`, async () => {
      last = await look();
      return enough(last) || last.fatal !== null;
    }, { seconds, every: 200 });
    await own.evaluate((name) => {
      const { video, hls, record } = window.players[name];
      clearInterval(record.timer);
      hls.destroy();
      video.remove();
      delete window.players[name];
    }, id);
    return { ...last, longestStill: Math.max(last.still, 0, ...last.stills.map(({ ms }) => ms)) };
  };
  return {
    /* waits until the picture has moved for so long; what it has been like so far */
    playing: (played, seconds = 60) => until(`${where} plays`, async () => {
      const record = await look();
      return record.fatal !== null || (record.first !== null && record.position - record.first >= played) ? record : null;
    }, { seconds }),
    /* both wait, or until it was given up, and let go of it */
    end: (seconds) => finish('played to its end', ({ ended }) => ended, seconds),
    after: (played, seconds) => finish(`played for ${played} s`,
      ({ ended, first, position }) => ended || (first !== null && position - first >= played), seconds),
  };
}
