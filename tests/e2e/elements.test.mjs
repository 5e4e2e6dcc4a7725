// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements without the daemon: the command lines of their documentation, published to by a real encoder.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { readRecord, watchVideo, withBrowser } from './support/browser.mjs';
import { freePort, temporaryFolder } from './support/folder.mjs';
import { checkMedia, parseMedia } from './support/hls.mjs';
import { decodesCleanly, makeReference, publishers, sameAsReference, sameContent } from './support/media.mjs';
import { Process, run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { settings } from './support/weir.mjs';

const folder = temporaryFolder('elements');
fs.chmodSync(folder, 0o755); // nginx reads as another user
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 8 }));

function launch(description) {
  return new Process('gst-launch-1.0', ['-q', ...description.trim().split(/\s+/)], {
    env: {
      GST_PLUGIN_PATH_1_0: path.join(settings.build, 'elements'),
      GST_REGISTRY: path.join(folder, 'registry.bin'),
      G_DEBUG: 'fatal-criticals',
    },
  });
}

const listens = (port) => until(`something listens on ${port}`, () => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => {
    socket.destroy();
    resolve(true);
  });
  socket.on('error', () => resolve(false));
}));

/* a pipeline that takes one publisher and ends with it */
async function receive(description) {
  const port = await freePort();
  const pipeline = launch(description.replace('PORT', String(port)));

  await Promise.race([listens(port), pipeline.exited]);
  const encoder = publishers.ffmpeg(await clip(), `rtmp://127.0.0.1:${port}/live/k`);
  assert.equal(await encoder.exited, 0, `${encoder.tail()}\n${pipeline.tail()}`);
  const code = await Promise.race([pipeline.exited, new Promise((resolve) => setTimeout(resolve, 15_000, 'still running'))]);
  if (code === 'still running')
    await pipeline.stop('SIGKILL');
  assert.equal(code, 0, `${pipeline.command}\n${pipeline.tail()}`);
  return pipeline;
}

const whole = (file) => ({ video: file, audio: file, muxed: file });

test('the plugin lists its elements, and each has a description', async () => {
  const env = { GST_PLUGIN_PATH_1_0: path.join(settings.build, 'elements'), GST_REGISTRY: path.join(folder, 'inspect.bin') };
  const { stdout } = await run('gst-inspect-1.0', ['weir'], { env });

  for (const name of ['weirrtmpsrc', 'weirsanitizer', 'weirsegmentmux', 'weirsegmentsink']) {
    assert.match(stdout, new RegExp(`\\b${name}\\b`));
    await run('gst-inspect-1.0', [name], { env });
  }
});

test('weirrtmpsrc alone: what is published can be written to a file', async () => {
  const file = path.join(folder, 'source.mkv');

  await receive(`weirrtmpsrc port=PORT stream-key=k name=s matroskamux name=m ! filesink location=${file}
    s.video_0 ! queue ! m.video_0 s.audio_0 ! queue ! m.audio_0`);
  await sameContent(await clip(), whole(file), { video: true, audio: true });
});

test('weirrtmpsrc, weirsanitizer, weirsegmentmux: a publisher becomes a fragmented MP4 file', async () => {
  const file = path.join(folder, 'a.mp4');

  await receive(`weirrtmpsrc port=PORT stream-key=k name=s weirsanitizer name=c weirsegmentmux name=m ! filesink location=${file}
    s.video_0 ! c.video_0 s.audio_0 ! c.audio_0 c.video_src_0 ! m.video_0 c.audio_src_0 ! m.audio_0`);
  await decodesCleanly(file);
  await run(settings.weir, ['check', file]);
  await sameAsReference(await clip(), whole(file), { video: true, audio: true, frame: 0.04 });
});

test('weirsegmentmux behind elements of stock: a file becomes a fragmented MP4 file', async () => {
  const file = path.join(folder, 'stock.mp4');
  const pipeline = launch(`filesrc location=${await clip()} ! flvdemux name=d weirsegmentmux name=m ! filesink location=${file}
    d.video ! queue ! h264parse ! video/x-h264,stream-format=avc,alignment=au ! m.video_0
    d.audio ! queue ! aacparse ! audio/mpeg,stream-format=raw ! m.audio_0`);

  assert.equal(await pipeline.exited, 0, pipeline.tail());
  await decodesCleanly(file);
  await run(settings.weir, ['check', file]);
  await sameAsReference(await clip(), whole(file), { video: true, audio: true, frame: 0.04 });
});

test('weirsegmentsink: its folder behind a static server plays live, in ffmpeg and in a browser', { seconds: 180 }, async () => {
  const site = path.join(folder, 'site');
  const [httpPort, rtmpPort] = [await freePort(), await freePort()];

  fs.mkdirSync(site);
  fs.copyFileSync(path.join(settings.build, 'data', 'hls.min.js'), path.join(site, 'hls.min.js'));
  fs.writeFileSync(path.join(site, 'index.html'), `<!doctype html><video muted></video><script src="hls.min.js"></script><script>
    const video = document.querySelector('video'), hls = new Hls();
    hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
    hls.loadSource('playlist.m3u8'); hls.attachMedia(video);</script>`);
  fs.writeFileSync(path.join(folder, 'nginx.conf'), `daemon off; pid nginx.pid; error_log stderr; worker_processes 1;
    events {} http { access_log off; types { application/vnd.apple.mpegurl m3u8; video/mp4 mp4 m4s; text/javascript js; text/html html; }
    ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join(' ')}
    server { listen 127.0.0.1:${httpPort}; root ${site}; location ~ m3u8$ { add_header Cache-Control no-store; } } }`);
  const nginx = new Process('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', 'stderr']);
  const pipeline = launch(`weirrtmpsrc port=${rtmpPort} stream-key=k name=s
    weirsegmentsink name=m location=${site}/%05d.m4s playlist-location=${site}/playlist.m3u8 target-duration=2 playlist-length=6 max-files=12
    s.video_0 ! m.video_0 s.audio_0 ! m.audio_0`);

  await Promise.race([listens(rtmpPort), pipeline.exited]);
  await listens(httpPort);
  const encoder = new Process('ffmpeg', ['-v', 'error', '-re', '-stream_loop', '3', '-i', await clip(), '-c', 'copy', '-f', 'flv',
    `rtmp://127.0.0.1:${rtmpPort}/live/k`]);
  const list = await until('a playlist of three segments', async () => {
    if (pipeline.code !== undefined)
      throw new Error(`${pipeline.command}\n${pipeline.tail()}`);
    const file = path.join(site, 'playlist.m3u8');
    const parsed = fs.existsSync(file) ? parseMedia(fs.readFileSync(file, 'utf8')) : null;
    return parsed?.segments.length >= 3 ? parsed : null;
  }, { seconds: 30 });
  checkMedia(list, 'playlist.m3u8');
  assert.equal(list.ended, false);

  const player = run('ffmpeg', ['-v', 'warning', '-xerror', '-i', `http://127.0.0.1:${httpPort}/playlist.m3u8`, '-t', '5', '-f', 'null', '-']);
  player.catch(() => {}); // looked at below
  await withBrowser(async (page) => {
    await watchVideo(page);
    await page.goto(`http://127.0.0.1:${httpPort}/`);
    await page.waitForFunction(() => window.record.firstPlaying !== null && performance.now() - window.record.firstPlaying > 4000,
      null, { timeout: 20_000 }).catch((error) => { throw new Error(`${error.message}\n${page.messages.join('\n')}`); });
    const record = await readRecord(page);
    assert.ok(record.decoded > 60, JSON.stringify(record));
  });
  assert.equal((await player).output.trim(), '');
  await encoder.stop();
  assert.equal(await pipeline.exited, 0, pipeline.tail());
  assert.ok(parseMedia(fs.readFileSync(path.join(site, 'playlist.m3u8'), 'utf8')).ended, 'no end');
  await nginx.stop();
});
