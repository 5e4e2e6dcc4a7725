// SPDX-License-Identifier: LGPL-2.1-or-later
// Whoever may not publish any more is cut off at once: rotated keys, a disabled and a deleted input, an ended broadcast.

import assert from 'node:assert/strict';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { makeReference } from './support/media.mjs';
import { Process } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { sharedWeir } from './support/weir.mjs';

const folder = temporaryFolder('revoke');
const daemon = sharedWeir({ options: { 'recording.timeout': '20s' } });
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 30 }));

const publish = async (url) =>
  new Process('ffmpeg', ['-v', 'error', '-re', '-i', await clip(), '-c', 'copy', '-f', 'flv', url]);
const urlOf = (weir, input) => `rtmp://${weir.address('rtmp')}/live/${input.rtmp.streamKey}`;

/* the encoder's end, and how long after @since it came, in seconds */
async function ends(encoder, since) {
  const code = await Promise.race([encoder.exited, new Promise((resolve) => setTimeout(resolve, 10000, 'still running'))]);
  assert.notEqual(code, 'still running');
  assert.notEqual(code, 0);
  return (performance.now() - since) / 1000;
}

async function goLive(weir, input) {
  const encoder = await publish(urlOf(weir, input));
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  return { encoder, videoUID };
}

test('rotated keys cut the connection, and the broadcast goes on with the new ones', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const { encoder, videoUID } = await goLive(weir, input);
  const since = performance.now();
  const rotated = await weir.api('POST', `/live_inputs/${input.uid}/rotate_keys`);

  assert.notEqual(rotated.rtmp.streamKey, input.rtmp.streamKey);
  assert.match(rotated.keysRotatedAt, /^\d{4}-/);
  assert.ok(await ends(encoder, since) < 1.5);
  await weir.waitForState(input.uid, 'reconnecting');
  const old = await publish(urlOf(weir, input));
  assert.notEqual(await old.exited, 0, 'the old key is let in');
  const fresh = await publish(urlOf(weir, rotated));
  const again = await weir.waitForState(input.uid, 'live');
  assert.equal(again.videoUID, videoUID, 'another broadcast');
  await fresh.stop('SIGKILL');
  await weir.api('POST', `/live_inputs/${input.uid}/end`);
});

test('a disabled input cuts its encoder off, and lets it in when it is enabled', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const { encoder, videoUID } = await goLive(weir, input);
  const since = performance.now();

  await weir.api('PUT', `/live_inputs/${input.uid}`, { enabled: false });
  assert.ok(await ends(encoder, since) < 1.5);
  await weir.waitForState(input.uid, ['ended', 'ready', 'idle']);
  const refused = await publish(urlOf(weir, input));
  assert.notEqual(await refused.exited, 0);
  await weir.api('PUT', `/live_inputs/${input.uid}`, { enabled: true });
  const next = await goLive(weir, input);
  assert.notEqual(next.videoUID, videoUID);
  await next.encoder.stop('SIGKILL');
  await weir.api('POST', `/live_inputs/${input.uid}/end`);
});

test('a broadcast that is ended becomes a recording, and a change of its mode comes with the next', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const { encoder, videoUID } = await goLive(weir, input);
  const change = await weir.call('PUT', `/live_inputs/${input.uid}`, { recording: { mode: 'off' } });

  assert.equal(change.body.messages[0].code, 20008);
  assert.match(change.body.messages[0].message, /recording\.mode/);
  const since = performance.now();
  assert.equal((await weir.api('POST', `/live_inputs/${input.uid}/end`)).videoUID, videoUID);
  assert.ok(await ends(encoder, since) < 1.5);
  await weir.waitForState(videoUID, 'ready');
  assert.match(await weir.text(`/${videoUID}/manifest/muxed.m3u8`), /#EXT-X-ENDLIST/);
  assert.equal((await weir.call('POST', `/live_inputs/${input.uid}/end`)).status, 409);
});

test('a token of an account sees and changes that account only, and nothing once it is revoked', async () => {
  const weir = await daemon();
  const accounts = `${weir.url}/client/v4/accounts`;
  const call = async (token, method, where, body) => {
    const response = await fetch(`${accounts}${where}`, {
      method, headers: { Authorization: `Bearer ${token}` }, body: body && JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  const account = (await call(weir.token, 'POST', '', { name: 'other' })).body.result.id;
  const token = (await call(weir.token, 'POST', `/${account}/tokens`, { name: 't' })).body.result;
  const input = (await call(token.value, 'POST', `/${account}/stream/live_inputs`)).body.result;
  const { encoder } = await goLive(weir, input);

  assert.equal((await call(token.value, 'GET', `/${weir.account}/stream/live_inputs`)).status, 403);
  assert.equal((await weir.call('GET', `/live_inputs/${input.uid}`)).status, 404);
  assert.equal((await call(weir.token, 'DELETE', `/${account}`)).status, 409);
  const since = performance.now();
  assert.equal((await call(token.value, 'DELETE', `/${account}/stream/live_inputs/${input.uid}`)).status, 200);
  assert.ok(await ends(encoder, since) < 1.5);
  assert.equal((await call(weir.token, 'DELETE', `/${account}/tokens/${token.id}`)).status, 200);
  assert.equal((await call(token.value, 'GET', `/${account}/stream/live_inputs`)).status, 401);
});
