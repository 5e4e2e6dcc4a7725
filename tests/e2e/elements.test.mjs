// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements without the daemon: the command lines of their documentation, published to by a real encoder.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { readRecord, watchVideo, withBrowser } from './support/browser.mjs';
import {
  inspectedPads, inspectedProperties, inspectedStatistics, manCommands, manPads, manProperties, manSections, readmeCommands,
  sectionCommands,
} from './support/documentation.mjs';
import { freePort, temporaryFolder } from './support/folder.mjs';
import { checkMedia, parseMedia } from './support/hls.mjs';
import { decodesCleanly, makeReference, sameAsReference, sameContent, videoFrames } from './support/media.mjs';
import { finish, listens, pluginEnvironment, publish, receiver, shell } from './support/pipeline.mjs';
import { Process, run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { settings } from './support/weir.mjs';

const folder = temporaryFolder('elements');
fs.chmodSync(folder, 0o755); // nginx reads as another user
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 8 }));

const whole = (file) => ({ video: file, audio: file, muxed: file });

function workplace(name) {
  const place = path.join(folder, name);

  fs.mkdirSync(place);
  return place;
}

/* a pipeline that takes one publisher and ends with it */
async function receive(command, place) {
  const { pipeline, port } = await receiver(command, place);

  await publish(await clip(), `rtmp://127.0.0.1:${port}/live/k`, pipeline);
  await finish(pipeline);
}

/* the segments in a folder as one file, in order */
async function join(site) {
  const file = path.join(site, 'whole.mp4');
  const names = fs.readdirSync(site);

  assert.deepEqual(names.filter((name) => name.endsWith('.open')), []);
  fs.writeFileSync(file, Buffer.concat(['.mp4', '.m4s'].flatMap((end) => names.filter((name) => name.endsWith(end)).sort())
    .map((name) => fs.readFileSync(path.join(site, name)))));
  return file;
}

async function checkFile(file) {
  await decodesCleanly(file);
  await run(settings.weir, ['check', file]);
  await sameAsReference(await clip(), whole(file), { video: true, audio: true, frame: 0.04 });
}

/* what the documented command of each element is for: runs it, and looks at what came out */
const documented = {
  async weirrtmpsrc(command, place) {
    await receive(command, place);
    await checkFile(path.join(place, 'a.mp4'));
  },

  async weirsanitizer(command, place) {
    const { pipeline, port } = await receiver(command, place);

    for (let i = 0; i < 2; i++)
      await publish(await clip(), `rtmp://127.0.0.1:${port}/live/k`, pipeline);
    const playlist = path.join(place, 'site', 'playlist.m3u8');
    const parsed = () => parseMedia(fs.readFileSync(playlist, 'utf8'));
    await until('the second one is in the playlist', () => parsed().segments.some((segment) => segment.discontinuity));
    assert.equal(parsed().ended, false);
    pipeline.signal('SIGINT');
    await finish(pipeline);

    const list = parsed();
    checkMedia(list, 'playlist.m3u8');
    assert.ok(list.ended, 'no end');
    assert.equal(list.segments.filter((segment) => segment.discontinuity).length, 1);
    const frames = await videoFrames(await clip());
    assert.deepEqual(await videoFrames(await join(path.join(place, 'site'))), [...frames, ...frames]);
  },

  async weirsegmentmux(command, place) {
    fs.copyFileSync(await clip(), path.join(place, 'a.flv'));
    await finish(await shell(command, place));
    await checkFile(path.join(place, 'a.mp4'));
  },

  async weirsegmentsink(command, place) {
    await receive(command, place);
    const list = parseMedia(fs.readFileSync(path.join(place, 'site', 'playlist.m3u8'), 'utf8'));
    checkMedia(list, 'playlist.m3u8');
    assert.ok(list.ended, 'no end');
    await decodesCleanly(path.join(place, 'site', 'playlist.m3u8'));
    await checkFile(await join(path.join(place, 'site')));
  },
};

test('the plugin lists its elements; README, man page and their own documentation give the same command for each', async () => {
  const env = await pluginEnvironment();
  const { stdout } = await run('gst-inspect-1.0', ['weir'], { env });
  const names = [...stdout.matchAll(/^ {2}(weir\w+): \S/gm)].map((m) => m[1]).sort();
  const places = { README: readmeCommands(), 'man page': manCommands(), 'the element itself': sectionCommands() };

  assert.ok(names.length >= 4, stdout);
  assert.deepEqual(Object.keys(documented).sort(), names, 'each command is run by a test below');
  for (const [place, commands] of Object.entries(places)) {
    assert.deepEqual([...commands.keys()].sort(), names, place);
    for (const name of names) {
      assert.match(commands.get(name), /^(mkdir -p \w+\n)?gst-launch-1\.0 /, `${place}: ${name}`);
      assert.equal(commands.get(name), places.README.get(name), `${place} has another command for ${name} than README`);
    }
  }
});

test('the man page has the pads, properties, defaults and statistics that the elements have', async () => {
  const sections = manSections();
  const muxer = sections.get('weirsegmentmux').Statistics;

  for (const [name, parts] of sections) {
    const { output } = await run('gst-inspect-1.0', [name], { env: await pluginEnvironment() });
    assert.doesNotMatch(output, /WARN|CRITICAL/);
    assert.deepEqual(manPads(parts), inspectedPads(output), `${name}: pads`);
    assert.deepEqual(manProperties(parts), inspectedProperties(output), `${name}: properties`);
    const statistics = parts.Statistics.replace('As\n.BR weirsegmentmux', muxer);
    const fields = inspectedStatistics(output);
    assert.ok(fields.length > 3, output);
    assert.deepEqual(fields.filter((field) => !new RegExp(`(?<![\\w-])${field}(?!-)`).test(statistics)), [], `${name}: fields of stats`);
  }
});

for (const [name, run_it] of Object.entries(documented)) {
  test(`${name}: the command in its documentation works`, async () => {
    const command = readmeCommands().get(name);

    assert.ok(command, 'not in README');
    await run_it(command, workplace(name));
  });
}

test('a pipeline of gst-launch-1.0 that fails leaves a dot file where GST_DEBUG_DUMP_DOT_DIR says', async () => {
  const place = workplace('fails');
  const pipeline = await shell('gst-launch-1.0 weirrtmpsrc address=192.0.2.1 port=1 ! fakesink', place);

  assert.notEqual(await pipeline.exited, 0, pipeline.tail());
  const names = fs.readdirSync(pipeline.dots).filter((name) => /error.*\.dot$/.test(name));
  assert.equal(names.length, 1, fs.readdirSync(pipeline.dots).join(' '));
  assert.match(fs.readFileSync(path.join(pipeline.dots, names[0]), 'utf8'), /^digraph pipeline \{[^]*WeirRtmpSrc[^]*\}\s*$/);
  assert.match(await finish(pipeline).catch((error) => error.message), /\nthe pipeline: .*error.*\.dot\n/);
});

test('weirrtmpsrc alone: what is published can be written to a file', async () => {
  const place = workplace('alone');

  await receive(`gst-launch-1.0 weirrtmpsrc port=1935 stream-key=k name=s matroskamux name=m ! filesink location=a.mkv
    s.video_0 ! queue ! m.video_0 s.audio_0 ! queue ! m.audio_0`.replace(/\n/g, ' '), place);
  await sameContent(await clip(), whole(path.join(place, 'a.mkv')), { video: true, audio: true });
});

test('weirsegmentsink: its folder behind a static server plays live, in ffmpeg and in a browser', { seconds: 180 }, async () => {
  const site = path.join(folder, 'site');
  const httpPort = await freePort();

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
  const { pipeline, port: rtmpPort } = await receiver(`gst-launch-1.0 weirrtmpsrc port=1935 stream-key=k name=s
    weirsegmentsink name=m location=%05d.m4s playlist-location=playlist.m3u8 target-duration=2 playlist-length=6 max-files=12
    s.video_0 ! m.video_0 s.audio_0 ! m.audio_0`.replace(/\n/g, ' '), site);

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
  await finish(pipeline);
  assert.ok(parseMedia(fs.readFileSync(path.join(site, 'playlist.m3u8'), 'utf8')).ended, 'no end');
  await nginx.stop();
});
