// SPDX-License-Identifier: LGPL-2.1-or-later
// What an encoder does wrong is said in the API, on the command line, in metrics, in the log and to the encoder; what doc/encoders.md says
// of it is so.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { encoderCommands, encoderNames, top } from './support/documentation.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { Process, run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { sharedWeir } from './support/weir.mjs';

const folder = temporaryFolder('health');
const daemon = sharedWeir();
/* at three times its speed it is still being sent when all has been looked at that is told meanwhile */
const longGop = shared(() => makeReference(path.join(folder, 'long.flv'), { video: { gop: 300 }, seconds: 120 }));

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
  }, { seconds: 30 });
}

/* the event that the hosted product has for it, too */
async function findErrored(weir, input, code) {
  const { events } = await weir.api('GET', '/events?type=live_input.errored');
  return events.find((event) => event.input === input.uid && event.data.code === code).data;
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

  const { LiveInput, HealthIssue } = JSON.parse(await weir.text('/openapi.json')).components.schemas;
  const described = LiveInput.properties.health;
  for (const [got, { required, properties }] of [[health, described], [issue, HealthIssue],
    [health.video[0], described.properties.video.items], [health.audio[0], described.properties.audio.items]]) {
    assert.deepEqual(Object.keys(got).sort(), [...required].sort());
    assert.deepEqual(Object.keys(got).sort(), Object.keys(properties).sort());
  }

  const errored = await findErrored(weir, input, 'gop_too_long');
  assert.deepEqual([errored.vendorCode, errored.videoCodec, errored.audioCodec], ['ERR_GOP_OUT_OF_RANGE', 'H.264', 'AAC']);
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
  assert.match((await findErrored(weir, input, 'unsupported_video_codec')).videoCodec, /^[^:]*H\.263[^:]*$/);
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

test('every code and every decision is explained', async () => {
  const weir = await daemon();
  const metrics = await weir.text('/metrics');
  const explained = encoderNames();
  const labels = (name) => [...metrics.matchAll(new RegExp(`^${name}\\{\\w+="([^"]*)"\\}`, 'gm'))].map((m) => m[1]);
  const codes = labels('weir_health_issues');
  const reasons = labels('weir_timeline_decisions_total');
  const described = JSON.parse(await weir.text('/openapi.json')).components.schemas.HealthIssue.properties.code.description;
  const manual = fs.readFileSync(path.join(top, 'data/man/weir-elements.7'), 'utf8').replace(/\\-/g, '-');

  assert.ok(codes.length > 10 && reasons.length > 10, metrics);
  assert.deepEqual([...codes, ...reasons].filter((name) => !explained.has(name)), [], 'not in encoders.md');
  assert.deepEqual([...explained].filter((name) => !codes.includes(name) && !reasons.includes(name) && !manual.includes(`BR ${name} "`)), [],
    'in encoders.md, and nowhere else');
  assert.deepEqual(codes.filter((name) => name !== 'other' && !described.includes(name)), [], 'not in openapi.json');
});

/* of which FFmpeg needs to be newer than Debian's for Enhanced RTMP; what they encode is then published by a newer one */
test('the commands for ffmpeg send what nothing is the matter with', { seconds: 90 }, async () => {
  const weir = await daemon();
  const clip = await makeReference(path.join(folder, 'clip.flv'), { seconds: 12 });
  const commands = encoderCommands(clip, 'URL');
  const codecs = [];

  assert.equal(commands.length, 3);
  await Promise.all(commands.map(async (command, i) => {
    const input = await weir.createInput();
    const newer = /libx265|libopus/.test(command);
    const file = path.join(folder, `command-${i}.mkv`);
    if (newer)
      await run('sh', ['-c', command.replace('ffmpeg -re', 'ffmpeg -v error -y').replace(/-f flv 'URL'$/, file)]);
    const encoder = newer ? publishers['node-av'](file, input.publishUrl)
      : new Process('sh', ['-c', `exec ${command.replace('ffmpeg', 'ffmpeg -v warning').replace('URL', input.publishUrl)}`]);
    let health;

    await until(() => `${command}: two GOPs in ${JSON.stringify(health)}`, async () => {
      ({ health } = await weir.api('GET', `/live_inputs/${input.uid}`));
      return health?.video[0]?.gopSeconds;
    }, { seconds: 40 });
    assert.deepEqual(health.issues, []);
    assert.ok(Math.abs(health.video[0].gopSeconds - 2) < 0.1, `${command}: ${health.video[0].gopSeconds} s`);
    codecs[i] = [...health.video, ...health.audio].map(({ codec }) => codec).join(' ');
    await encoder.stop('SIGKILL');
  }));
  assert.deepEqual(codecs, ['H.264 AAC', 'HEVC AAC', 'H.264 AAC Opus']);
});
