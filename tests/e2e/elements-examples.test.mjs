// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements in other people's programs: what is installed is enough to build and run the examples of data/examples,
// which real encoders publish to.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { top } from './support/documentation.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { checkMedia, parseMedia } from './support/hls.mjs';
import { decodesCleanly, makeReference, publishers, sameAsReference } from './support/media.mjs';
import { finish, pluginEnvironment, publish } from './support/pipeline.mjs';
import { Process, run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { settings } from './support/weir.mjs';

const folder = temporaryFolder('examples');
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 8 }));
const examples = path.join(top, 'data', 'examples');

/* what `meson install` brings, below a folder of its own, where nothing of the build folder is used:
 * { root, headers, env (to find it), flags (of pkg-config) } */
const installed = shared(async () => {
  const root = path.join(folder, 'installed');

  await run('meson', ['install', '-C', settings.build, '--no-rebuild', '--quiet', '--destdir', root]);
  const find = (name, inside = root) => fs.readdirSync(inside, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(inside, entry.name);
    return entry.isDirectory() ? find(name, file) : name.test(file) ? [file] : [];
  });
  const [pc] = find(/\/weir-1\.0\.pc$/);
  const env = { PKG_CONFIG_PATH: path.dirname(pc) };
  const ask = async (...what) => (await run('pkg-config', [...what, 'weir-1.0'], { env })).stdout.trim();
  const includes = path.join((await ask('--variable=includedir')), 'weir-1.0');
  const library = await ask('--variable=libdir');

  return {
    root,
    includes,
    library,
    version: await ask('--modversion'),
    cflags: (await ask('--cflags')).split(/\s+/),
    libs: (await ask('--libs')).split(/\s+/),
    headers: find(/\.h$/, path.resolve(includes)).map((file) => path.relative(path.resolve(includes), file)),
    env: { LD_LIBRARY_PATH: library, ...await pluginEnvironment(path.resolve(await ask('--variable=pluginsdir'))) },
  };
});

test('every installed header compiles alone, in C and in C++, and needs nothing of the source tree', async () => {
  const { headers, cflags, includes } = await installed();

  assert.ok(headers.includes('weir/weir.h') && headers.includes('weir/rtmp/listener.h'), headers.join(' '));
  for (const header of headers) {
    /* somebody else's file of the same name must not be taken for it */
    const decoys = path.join(folder, 'decoys', path.dirname(path.relative('weir', header)));
    fs.mkdirSync(decoys, { recursive: true });
    fs.writeFileSync(path.join(decoys, path.basename(header)), '#error "not the installed one"\n');
  }
  for (const [compiler, language] of [['cc', 'c'], ['clang', 'c'], ['clang++', 'c++']])
    for (const header of headers) {
      const source = path.join(folder, `${header.replace(/\W/g, '-')}.${compiler}.${language}`);
      fs.writeFileSync(source, `#include <${header}>\n`);
      await run(compiler, ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only', '-x', language,
        '-I', path.join(folder, 'decoys'), ...cflags, source]);
    }
  for (const header of headers)
    assert.match(fs.readFileSync(path.join(includes, header), 'utf8'), /G_BEGIN_DECLS|#include/, header);
});

test('a C++ program with the installed headers links and runs', async () => {
  const { cflags, libs, env, version } = await installed();
  const source = path.join(folder, 'program.cc');
  const program = path.join(folder, 'program');

  fs.writeFileSync(source, `#include <weir/weir.h>
    int main () {
      WeirWorker *worker = weir_worker_new ("accept");
      WeirRtmpListenerSettings settings;
      weir_rtmp_listener_settings_init (&settings);
      WeirRtmpListener *listener = weir_rtmp_listener_new ("127.0.0.1:0", &settings, worker, nullptr);
      g_print ("%s\\n", weir_rtmp_listener_get_addresses (listener));
      weir_rtmp_listener_stop (listener);
      weir_worker_stop (worker);
      g_object_unref (listener);
      weir_worker_unref (worker);
    }\n`);
  await run('clang++', ['-Wall', '-Wextra', '-Werror', '-o', program, source, ...cflags, ...libs]);
  assert.match((await run(program, [], { env })).stdout, /^127\.0\.0\.1:[1-9]\d*$/m);
  assert.match(version, /^\d+\.\d+\.\d+$/);
});

async function checkFile(file) {
  await decodesCleanly(file);
  await run(settings.weir, ['check', file]);
  await sameAsReference(await clip(), { video: file, audio: file, muxed: file }, { video: true, audio: true, frame: 0.04 });
}

test('the example in C records several publishers at a time, and refuses those who may not', async () => {
  const { cflags, libs, env } = await installed();
  const place = path.join(folder, 'recorder');
  const program = path.join(place, 'recorder');

  fs.mkdirSync(place);
  await run('cc', ['-Wall', '-Wextra', '-Werror', '-o', program, path.join(examples, 'recorder.c'), ...cflags, ...libs]);
  const recorder = new Process(program, ['127.0.0.1:0', place, 'anna=k1', 'bert=k2', 'carl=k3'], { env });
  const [, port] = await recorder.waitFor(/^listening on .*:(\d+)$/m);
  const url = (key) => `rtmp://127.0.0.1:${port}/live/${key}`;

  /* one who goes on until the end, and two beside him */
  const carl = new Process('ffmpeg', ['-v', 'warning', '-re', '-stream_loop', '-1', '-i', await clip(), '-c', 'copy', '-f', 'flv', url('k3')]);
  await recorder.waitFor(/^carl: begins/m);
  const anna = publishers.ffmpeg(await clip(), url('k1'));
  const bert = publishers.ffmpeg(await clip(), url('k2'));
  const stranger = publishers.ffmpeg(await clip(), url('k4'));
  const second = publishers.ffmpeg(await clip(), url('k3'));
  assert.notEqual(await stranger.exited, 0, recorder.tail());
  assert.match(stranger.output, /This key is not known/);
  assert.notEqual(await second.exited, 0, recorder.tail());
  assert.match(second.output, /Somebody publishes with this key/);
  await recorder.waitFor(/^anna: begins/m);
  await recorder.waitFor(/^bert: begins/m);
  const threads = fs.readdirSync(`/proc/${recorder.pid}/task`).map((task) => fs.readFileSync(`/proc/${recorder.pid}/task/${task}/comm`, 'utf8').trim());
  assert.equal(threads.filter((name) => name === 'media').length, 1, threads.join(' '));

  assert.equal(await anna.exited, 0, anna.tail());
  assert.equal(await bert.exited, 0, bert.tail());
  await recorder.waitFor(/^anna: recorded .*anna-1\.mp4/m);
  await recorder.waitFor(/^bert: recorded .*bert-1\.mp4/m);
  /* one whose codec nobody knows brings no track, and does not keep the key; his file is the next */
  await run('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=25', '-t', '1', '-c:v', 'flv', '-f', 'flv', url('k2')]);
  await recorder.waitFor(/^bert: recorded .*bert-2\.mp4, 0 frames/m);
  assert.equal(carl.code, undefined, carl.tail());
  recorder.signal('SIGINT');
  await finish(recorder);
  await carl.stop();

  assert.match(recorder.output, /^carl: recorded .*carl-1\.mp4, [1-9]\d+ frames/m);
  assert.doesNotMatch(recorder.output, /CRITICAL|WARNING/);
  await run('ffprobe', ['-v', 'error', path.join(place, 'carl-1.mp4')]);
  await checkFile(path.join(place, 'anna-1.mp4'));
  await checkFile(path.join(place, 'bert-1.mp4'));
});

test('the example in Python makes live HLS of a publisher with what is installed', async () => {
  const { env } = await installed();
  const place = path.join(folder, 'live');
  const program = new Process('/usr/bin/python3', [path.join(examples, 'live_folder.py'), '0', 'k', place], { env });
  const [, port] = await program.waitFor(/^listening on .*:(\d+)$/m);

  await publish(await clip(), `rtmp://127.0.0.1:${port}/live/k`, program);
  await finish(program);
  assert.match(program.stdout, /^\d+ frames in, \d+ segments out$/m);
  const counted = JSON.parse(program.stdout.trim().split('\n').pop());
  assert.equal(counted.source.connections, 1);
  assert.ok(counted.source.frames > 500, JSON.stringify(counted));
  assert.equal(counted.sink.samples, counted.source.frames);
  assert.equal(counted.sink['lost-chunks'], 0);

  const list = parseMedia(fs.readFileSync(path.join(place, 'playlist.m3u8'), 'utf8'));
  checkMedia(list, 'playlist.m3u8');
  assert.ok(list.ended, 'no end');
  assert.equal(counted.sink.segments, list.segments.length);
  await decodesCleanly(path.join(place, 'playlist.m3u8'));
  const whole = path.join(place, 'whole.mp4');
  fs.writeFileSync(whole, Buffer.concat([list.segments[0].map, ...list.segments.map((segment) => segment.uri)]
    .map((name) => fs.readFileSync(path.join(place, name)))));
  await checkFile(whole);
});
