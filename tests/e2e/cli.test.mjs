// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line beside a broadcast: status, events, downloads, and a backup that is started on.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { Process, run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { settings, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('cli');
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 8 }));

const clientOf = (weir) => ({ WEIR_URL: weir.url, WEIR_TOKEN: weir.token, WEIR_ACCOUNT: weir.account });
const recordingOf = async (weir, input) => {
  const videos = await weir.api('GET', `?live_input_id=${input.uid}`);
  return videos[0];
};

async function record(weir, input) {
  const encoder = publishers.ffmpeg(await clip(), input.publishUrl);
  assert.equal(await encoder.exited, 0);
  return until('a ready recording', async () => {
    const video = await recordingOf(weir, input);
    return video?.status.state === 'ready' ? video : null;
  });
}

test('a recording is downloaded, and one that broke off is gone on with', async () => {
  await withWeir({}, async (weir) => {
    const input = await weir.createInput({ meta: { name: 'one' } });
    const video = await record(weir, input);
    const whole = path.join(folder, 'whole.mp4');
    const again = path.join(folder, 'again.mp4');

    await weir.cli(['recording', 'download', video.uid, whole]);
    await run('ffmpeg', ['-v', 'error', '-xerror', '-i', whole, '-f', 'null', '-']);
    const bytes = fs.readFileSync(whole);
    /* broken off in the init, between, in a segment, and after all of it */
    for (const size of [10, 5000, Math.floor(bytes.length * 0.7), bytes.length]) {
      fs.writeFileSync(`${again}.${video.uid}.partial`, bytes.subarray(0, size));
      await weir.cli(['recording', 'download', video.uid, again, '--force']);
      assert.ok(fs.readFileSync(again).equals(bytes), `${size} bytes were there`);
      assert.ok(!fs.existsSync(`${again}.${video.uid}.partial`));
    }
    assert.equal((await weir.cli(['recording', 'download', video.uid, whole], { check: false })).code, 1);
    assert.match((await weir.cli(['recording', 'list'])).stdout, new RegExp(`${video.uid}  ready .* s +[\\d.]+ [KM]iB `));
    await weir.cli(['recording', 'delete', video.uid]);
    assert.equal((await weir.cli(['recording', 'show', video.uid], { check: false })).code, 3);
  });
});

test('events are followed over a restart of the daemon, each told once', async () => {
  const state = temporaryFolder('follow');
  let follower;
  const types = () => follower.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));

  const options = {};
  await withWeir({ state }, async (weir) => {
    options['http.listen'] = weir.address('http');
    await weir.createInput();
    follower = new Process(settings.weir, ['events', '--follow', '--after', '0', '--json'], { env: clientOf(weir) });
    await follower.waitFor(/live_input\.created/);
    await weir.createInput();
    await until('the second', () => types().length === 2);
  });
  await withWeir({ state, options }, async (weir) => {
    await weir.createInput();
    await until('the third', () => types().filter((event) => event.type === 'live_input.created').length === 3, { seconds: 30 });
    await follower.stop();
    const sequences = types().map((event) => event.sequence);
    assert.deepEqual(sequences, [...new Set(sequences)].sort((a, b) => a - b));
  });
});

test('a broadcast is listed, watched and ended', async () => {
  await withWeir({ options: { 'recording.timeout': '30s' } }, async (weir) => {
    const input = await weir.createInput({ meta: { name: 'on' } });
    const encoder = publishers.ffmpeg(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');

    assert.match((await weir.cli(['broadcast', 'list'])).stdout, new RegExp(`${videoUID}  connected `));
    assert.match((await weir.cli(['broadcast', 'show', videoUID])).stdout, /State +live/);

    /* on a terminal it is drawn in place, and Ctrl-C leaves the terminal as it was */
    const terminal = new Process('script', ['-qfec', `stty cols 60 rows 20; exec ${settings.weir} status --watch`, '/dev/null'],
      { env: { ...clientOf(weir), TERM: 'xterm', NO_COLOR: '1' } });
    await terminal.waitFor(/\x1b\[\?1049h[^]*connected/);
    const [pid] = fs.readFileSync(`/proc/${terminal.pid}/task/${terminal.pid}/children`, 'utf8').split(' ');
    process.kill(Number(pid), 'SIGINT');
    assert.equal(await terminal.exited, 0);
    assert.match(terminal.stdout, /\x1b\[\?7h\x1b\[\?25h\x1b\[\?1049l\s*$/);

    await weir.cli(['broadcast', 'end', videoUID]);
    await weir.waitForState(videoUID, 'ready');
    await encoder.stop();
    assert.equal((await weir.cli(['broadcast', 'end', videoUID], { check: false })).code, 3);
  });
});

test('a backup made beside a broadcast is what another daemon starts on', { seconds: 180 }, async () => {
  const copy = path.join(folder, 'copy.db');
  const state = temporaryFolder('restored');
  let inputs, keys, video;

  await withWeir({ options: { 'recording.timeout': '5s' } }, async (weir) => {
    const recorded = await weir.createInput({ meta: { name: 'recorded' } });
    video = await record(weir, recorded);
    const running = await weir.createInput({ meta: { name: 'running' } });
    const encoder = publishers.ffmpeg(await clip(), running.publishUrl);
    await weir.waitForState(running.uid, 'live');

    await weir.cli(['backup', copy]);
    assert.equal((await weir.cli(['backup', copy], { check: false })).code, 1);
    inputs = (await weir.api('GET', '/live_inputs')).liveInputs;
    keys = [recorded.rtmp.streamKey, running.rtmp.streamKey];
    /* the files of the state directory that are no database */
    for (const name of ['account', 'api-token', 'segments'])
      fs.cpSync(path.join(weir.state, name), path.join(state, name), { recursive: true });
    await encoder.stop();
  });

  fs.copyFileSync(copy, path.join(state, 'weir.db'));
  await withWeir({ state, options: { 'recording.timeout': '5s' } }, async (weir) => {
    assert.deepEqual((await weir.api('GET', '/live_inputs')).liveInputs, inputs);
    for (const { uid } of inputs)
      assert.ok(keys.includes((await weir.api('GET', `/live_inputs/${uid}`)).rtmp.streamKey));
    assert.match((await weir.cli(['recording', 'list'])).stdout, new RegExp(video.uid));
    const restored = path.join(folder, 'restored.mp4');
    await weir.cli(['recording', 'download', video.uid, restored]);
    await run('ffmpeg', ['-v', 'error', '-xerror', '-i', restored, '-f', 'null', '-']);
    /* a new broadcast goes on above all that the first daemon may have given out */
    await record(weir, { ...inputs[1], publishUrl: `rtmp://${weir.address('rtmp')}/live/${keys[0]}` });
  });
});
