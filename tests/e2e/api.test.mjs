// SPDX-License-Identifier: LGPL-2.1-or-later
// The management API and the command line, and what is refused.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { Process, run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { settings, sharedWeir, Weir, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('api');
const daemon = sharedWeir();
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 6 }));

test('an input is created, shown, listed and deleted', async () => {
  const weir = await daemon();
  const created = await weir.api('POST', '/live_inputs', { meta: { name: 'first' } });

  assert.match(created.uid, /^[0-9a-f]{32}$/);
  assert.match(created.rtmp.streamKey, new RegExp(`^[0-9a-f]{32}k${created.uid}$`));
  assert.match(created.rtmp.url, /^rtmp:\/\/.*\/live\/$/);
  assert.equal(created.meta.name, 'first');
  assert.match(created.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.deepEqual(await weir.api('GET', `/live_inputs/${created.uid}`), created);

  const list = await weir.api('GET', '/live_inputs');
  const listed = list.liveInputs.find((input) => input.uid === created.uid);
  assert.equal(listed.meta.name, 'first');
  assert.ok(!JSON.stringify(listed).includes(created.rtmp.streamKey), 'the list shows a key');

  const changed = await weir.api('PUT', `/live_inputs/${created.uid}`, { meta: { name: 'second' } });
  assert.equal(changed.meta.name, 'second');
  assert.equal(changed.rtmp.streamKey, created.rtmp.streamKey);
  assert.ok(changed.modified > created.modified);

  assert.equal((await weir.call('DELETE', `/live_inputs/${created.uid}`)).status, 200);
  const gone = await weir.call('GET', `/live_inputs/${created.uid}`);
  assert.equal(gone.status, 404);
  assert.equal(gone.body.success, false);
  assert.equal(gone.body.errors[0].code, 10003);
});

test('a wrong token, an unknown field and a broken body are refused by name', async () => {
  const weir = await daemon();

  for (const token of ['', 'wrong'])
    assert.ok([401, 403].includes((await weir.call('GET', '/live_inputs', undefined, { token })).status));
  const unknown = await weir.call('POST', '/live_inputs', { meta: {}, colour: 'blue' });
  assert.equal(unknown.status, 400);
  assert.match(unknown.text, /colour/);
  assert.equal((await weir.call('POST', '/live_inputs', '{"meta":')).status, 400);
  assert.equal((await weir.call('POST', '/live_inputs', '['.repeat(100) + ']'.repeat(100))).status, 400);
  assert.equal((await weir.call('GET', '/live_inputs/../../etc')).status, 404);
});

test('the command line creates, lists, shows and deletes an input', async () => {
  const weir = await daemon();
  const created = JSON.parse((await weir.cli(['input', 'create', '--json'])).stdout);
  const { uid } = created.result ?? created;

  assert.match(uid, /^[0-9a-f]{32}$/);
  assert.match((await weir.cli(['input', 'list'])).stdout, new RegExp(uid));
  assert.match((await weir.cli(['input', 'show', uid])).stdout, new RegExp(uid));
  await weir.cli(['input', 'delete', uid]);
  assert.equal((await weir.cli(['input', 'show', uid], { check: false })).code, 3);
});

test('the command line finds the local daemon by its state directory', async () => {
  const weir = await daemon();
  const config = path.join(folder, 'local.conf');

  fs.writeFileSync(config, `[server]\nstate-dir=${weir.state}\n`);
  const shown = await run(settings.weir, ['input', 'list'],
    { env: { WEIR_URL: '', WEIR_TOKEN: '', WEIR_ACCOUNT: '', WEIR_CONFIG: config } });
  assert.equal(shown.code, 0);
});

test('usage errors exit 2, help and version exit 0', async () => {
  assert.equal((await run(settings.weir, ['--help'])).code, 0);
  assert.match((await run(settings.weir, ['--version'])).stdout, /\d+\.\d+\.\d+/);
  assert.equal((await run(settings.weir, ['no-such-command'], { check: false })).code, 2);
  assert.equal((await run(settings.weir, ['serve', '--no-such-option'], { check: false })).code, 2);
});

test('an unknown setting and a busy port are named, and the daemon does not start', async () => {
  const weir = await daemon();
  const state = temporaryFolder('refused');

  const unknown = await run(settings.weir, ['serve', '-o', `server.state-dir=${state}`, '-o', 'http.colour=blue'], { check: false });
  assert.ok(unknown.code !== 0);
  assert.match(unknown.output, /colour/);
  const busy = await run(settings.weir, ['serve', '-o', `server.state-dir=${state}`,
    '-o', `http.listen=${weir.address('http')}`, '-o', 'rtmp.listen=127.0.0.1:0'], { check: false });
  assert.ok(busy.code !== 0);
  assert.match(busy.output, new RegExp(weir.address('http').split(':')[1]));
});

test('health, readiness and metrics answer', async () => {
  const weir = await daemon();

  await weir.text('/healthz');
  await weir.text('/readyz');
  const metrics = await weir.text('/metrics');
  assert.match(metrics, /^weir_[a-z_]+(\{[^}]*\})? [0-9.e+]+$/m);
  for (const line of metrics.split('\n').filter(Boolean))
    assert.match(line, /^(# (HELP|TYPE) weir_|weir_[a-z_]+(\{[^}]*\})? -?[0-9.e+]+$)/);
  const ready = fs.readFileSync(path.join(weir.state, 'ready'), 'utf8').trim();
  assert.equal(ready, weir.ready);
});

test('an idle input says so, an unknown one is not found', async () => {
  const weir = await daemon();
  const input = await weir.createInput();

  assert.deepEqual(await weir.lifecycle(input.uid).then(({ isInput, live, state }) => ({ isInput, live, state })),
    { isInput: true, live: false, state: 'idle' });
  assert.equal((await weir.fetch(`/${input.uid}/manifest/video.m3u8`)).status, 204);
  assert.equal((await weir.fetch(`/${'0'.repeat(32)}/lifecycle`)).status, 404);
  const page = await weir.fetch(`/${input.uid}/watch`);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type'), /^text\/html/);
});

test('a wrong key is refused before any media, and the encoder is told', async () => {
  const weir = await daemon();
  const input = await weir.createInput();

  for (const key of [`${'0'.repeat(32)}k${input.uid}`, input.uid, 'stream']) {
    const encoder = publishers.ffmpeg(await clip(), `rtmp://${weir.address('rtmp')}/live/${key}`);
    const code = await Promise.race([encoder.exited, new Promise((resolve) => setTimeout(resolve, 5000, 'still running'))]);
    await encoder.stop('SIGKILL');
    assert.notEqual(code, 0);
    assert.notEqual(code, 'still running', `${key} was let in`);
  }
  assert.equal((await weir.lifecycle(input.uid)).state, 'idle');
});

test('another application name is refused', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const encoder = publishers.ffmpeg(await clip(), `rtmp://${weir.address('rtmp')}/other/${input.rtmp.streamKey}`);
  const code = await encoder.exited;

  assert.notEqual(code, 0);
  assert.equal((await weir.lifecycle(input.uid)).state, 'idle');
});

test('the lifecycle is followed from idle to the end, and the end is summed up in the log', async () => {
  await withWeir({ options: { 'recording.timeout': '2s' } }, async (weir) => {
    const input = await weir.createInput();
    const seen = new Set();
    const encoder = publishers.ffmpeg(await clip(), input.publishUrl);

    await until('the broadcast has ended', async () => {
      const { state, live, isInput, videoUID, deadline } = await weir.lifecycle(input.uid);
      seen.add(state);
      assert.equal(isInput, true);
      if (state === 'live')
        assert.ok(live && /^[0-9a-f]{32}$/.test(videoUID));
      if (state === 'reconnecting')
        assert.ok(Date.parse(deadline) > Date.now() - 1000, `deadline ${deadline}`);
      return seen.has('live') && ['ended', 'ready', 'idle'].includes(state);
    }, { seconds: 30, every: 20 });
    assert.equal(await encoder.exited, 0);
    assert.ok(seen.has('reconnecting'), [...seen].join(' '));
    const log = await until('a summary in the log', () =>
      weir.process.output.split('\n').find((line) => line.includes(input.uid) && / ended: .*received=[1-9].*codecs=/.test(line)));
    assert.ok(!log.includes(input.rtmp.streamKey), 'the log shows the key');
    assert.ok(!weir.process.output.includes(input.rtmp.streamKey.split('k')[0]), 'the log shows the secret');
  });
});

test('deleting an input cuts its encoder off', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const encoder = publishers.ffmpeg(await clip(), input.publishUrl);

  await weir.waitForState(input.uid, 'live');
  await weir.api('DELETE', `/live_inputs/${input.uid}`);
  assert.notEqual(await encoder.exited, 0);
});

test('a second encoder with the same key is refused while the first one sends', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const first = publishers.ffmpeg(await clip(), input.publishUrl);

  await weir.waitForState(input.uid, 'live');
  const second = publishers.ffmpeg(await clip(), input.publishUrl);
  assert.notEqual(await second.exited, 0);
  assert.equal(await first.exited, 0, first.tail());
});

test('strangers on the RTMP port do no harm', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const answer = await fetch(`http://${weir.address('rtmp')}/`);

  assert.equal(answer.status, 400);
  const encoder = publishers.ffmpeg(await clip(), input.publishUrl);
  await weir.waitForState(input.uid, 'live');
  assert.equal(await encoder.exited, 0);
});

test('SIGTERM while live exits 0, and the next start waits for the encoder of that broadcast', async () => {
  const state = temporaryFolder('drain');
  /* the window is open, however long the restart takes */
  const options = { 'recording.timeout': '60s' };
  const weir = await Weir.start({ state, options });
  const input = await weir.createInput();
  const encoder = new Process('ffmpeg', ['-v', 'error', '-re', '-stream_loop', '-1', '-i', await clip(), '-c', 'copy', '-f', 'flv', input.publishUrl]);

  const { videoUID } = await weir.waitForState(input.uid, 'live');
  await until('a playlist', async () => (await weir.fetch(`/${input.uid}/manifest/video.m3u8`)).status === 200);
  const code = await weir.stop();
  await encoder.stop();
  assert.equal(code, 0, weir.process.tail());

  const again = await Weir.start({ state, options });
  try {
    const now = await again.lifecycle(input.uid);
    assert.equal(`${now.state} ${now.videoUID}`, `reconnecting ${videoUID}`, again.process.tail());
    const list = await again.text(`/${videoUID}/manifest/muxed.m3u8`);
    assert.match(list, /\.m4s/);
    assert.doesNotMatch(list, /#EXT-X-ENDLIST/);
  } finally {
    assert.equal(await again.stop(), 0, again.process.tail());
  }
});
