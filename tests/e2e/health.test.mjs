// SPDX-License-Identifier: LGPL-2.1-or-later
// What an encoder does wrong is said in the API, on the command line, in metrics, in the log and to the encoder.

import assert from 'node:assert/strict';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { makeReference } from './support/media.mjs';
import { Process, run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { sharedWeir } from './support/weir.mjs';

const folder = temporaryFolder('health');
const daemon = sharedWeir();
const longGop = shared(() => makeReference(path.join(folder, 'long.flv'), { video: { gop: 300 }, seconds: 25 }));

/* an FLV file of a codec from before H.264 */
async function makeOld(name, sound) {
  const file = path.join(folder, name);
  const args = ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=15'];

  if (sound)
    args.push('-f', 'lavfi', '-i', 'sine=sample_rate=44100', '-c:a', 'libmp3lame');
  await run('ffmpeg', [...args, '-c:v', 'flv', '-t', '20', '-f', 'flv', file]);
  return file;
}

/* it looks at what comes back when it writes */
const publish = (file, url, speed) => new Process('ffmpeg', ['-v', 'warning', '-readrate', String(speed), '-i', file,
  '-c', 'copy', '-flush_packets', '1', '-rtmp_flush_interval', '1', '-f', 'flv', url]);

async function findIssue(weir, input, code) {
  let health;

  return until(() => `${code} in ${JSON.stringify(health)}`, async () => {
    ({ health } = await weir.api('GET', `/live_inputs/${input.uid}`));
    return health?.issues.find((issue) => issue.code === code) && health;
  }, { seconds: 10 });
}

test('keyframes that are too far apart are told everywhere', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  assert.equal((await weir.api('GET', `/live_inputs/${input.uid}`)).health, null);

  const encoder = publish(await longGop(), input.publishUrl, 3);
  const health = await findIssue(weir, input, 'gop_too_long');
  const issue = health.issues.find(({ code }) => code === 'gop_too_long');
  assert.equal(issue.vendorCode, 'ERR_GOP_OUT_OF_RANGE');
  assert.equal(issue.severity, 'error');
  assert.ok(issue.value > 10 && issue.value <= 12.1, `${issue.value} s`);
  assert.equal(issue.limit, 10);
  assert.match(issue.since, /^\d{4}-.*Z$/);
  assert.equal(health.state, 'error');
  assert.equal(health.video[0].codec, 'H.264');
  assert.equal(health.video[0].width, 320);
  assert.ok(Math.abs(health.video[0].frameRate - 25) < 0.5, `${health.video[0].frameRate} frames a second`);
  assert.equal(health.audio[0].codec, 'AAC');
  assert.equal(health.audio[0].sampleRate, 48000);

  assert.match((await weir.cli(['status'])).stdout, /error: gop_too_long: Keyframes come/);
  assert.match((await weir.cli(['input', 'show', input.uid])).stdout, /Health +error\n +error: gop_too_long:/);
  const metrics = await weir.text('/metrics');
  assert.match(metrics, /^weir_health_issues\{code="gop_too_long"\} 1$/m);
  assert.match(metrics, /^weir_health_issues_total\{code="gop_too_long"\} 1$/m);
  assert.match(metrics, /^weir_timeline_decisions_total\{reason="gap"\} 0$/m);
  await weir.process.waitFor(/health gop_too_long raised \(error\): /, 5);
  await encoder.stop('SIGKILL');
});

test('a codec that is not supported is named, and sound beside it goes on', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const encoder = publish(await makeOld('sound.flv', true), input.publishUrl, 1);
  const health = await findIssue(weir, input, 'unsupported_video_codec');

  assert.match(health.issues.find(({ code }) => code === 'unsupported_video_codec').message, /H\.263/);
  await weir.waitForState(input.uid, 'live');
  await encoder.stop('SIGKILL');
});

test('an encoder that sends nothing that is supported is told so and sent away', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const encoder = publish(await makeOld('silent.flv', false), input.publishUrl, 1);
  const code = await Promise.race([encoder.exited, new Promise((resolve) => setTimeout(resolve, 12000, 'still running'))]);

  await encoder.stop('SIGKILL');
  assert.notEqual(code, 'still running');
  assert.notEqual(code, 0);
  assert.match(encoder.tail(20), /video codec is not supported.*H\.263/);
});
