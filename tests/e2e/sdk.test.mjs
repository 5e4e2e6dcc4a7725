// SPDX-License-Identifier: LGPL-2.1-or-later
// The hosted product's official SDK works against Weir by its base URL alone.

import assert from 'node:assert/strict';
import path from 'node:path';
import Cloudflare from 'cloudflare';
import { temporaryFolder } from './support/folder.mjs';
import { makeReference } from './support/media.mjs';
import { Process } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { sharedWeir } from './support/weir.mjs';

const folder = temporaryFolder('sdk');
const daemon = sharedWeir();
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 6 }));

async function client({ token } = {}) {
  const weir = await daemon();
  return {
    weir,
    account_id: weir.account,
    sdk: new Cloudflare({ apiToken: token ?? weir.token, baseURL: `${weir.url}/client/v4`, maxRetries: 0 }),
  };
}

const everything = async (list) => {
  const items = [];
  for await (const item of list)
    items.push(item);
  return items;
};

test('live inputs are created, read, changed, listed and deleted', async () => {
  const { sdk, account_id } = await client();
  const created = await sdk.stream.liveInputs.create({
    account_id,
    meta: { name: 'by the SDK' },
    defaultCreator: 'somebody',
    deleteRecordingAfterDays: 45,
    recording: { mode: 'automatic', timeoutSeconds: 10, allowedOrigins: ['example.com'], hideLiveViewerCount: true },
  });

  assert.match(created.uid, /^[0-9a-f]{32}$/);
  assert.match(created.rtmps.streamKey, new RegExp(`^[0-9a-f]{32}k${created.uid}$`));
  assert.equal(created.srt.streamId, created.uid);
  assert.equal(created.meta.name, 'by the SDK');
  assert.deepEqual(await sdk.stream.liveInputs.get(created.uid, { account_id }), created);
  const changed = await sdk.stream.liveInputs.update(created.uid, { account_id, recording: { mode: 'off' } });
  assert.equal(changed.recording.mode, 'off');
  assert.equal(changed.recording.timeoutSeconds, 10);
  const list = await sdk.stream.liveInputs.list({ account_id, include_counts: true });
  assert.ok(list.liveInputs.some(({ uid }) => uid === created.uid));
  assert.equal(list.total, list.liveInputs.length);
  await sdk.stream.liveInputs.delete(created.uid, { account_id });
  await assert.rejects(sdk.stream.liveInputs.get(created.uid, { account_id }), (error) =>
    error instanceof Cloudflare.NotFoundError && error.errors[0].code === 10003);
});

test('outputs are created, listed, switched and deleted', async () => {
  const { sdk, account_id } = await client();
  const { uid } = await sdk.stream.liveInputs.create({ account_id });
  const output = await sdk.stream.liveInputs.outputs.create(uid, {
    account_id, url: 'rtmp://a.rtmp.example.com/live2', streamKey: 'key', enabled: true });

  assert.equal(output.streamKey, 'key');
  assert.deepEqual(await everything(sdk.stream.liveInputs.outputs.list(uid, { account_id })), [output]);
  const off = await sdk.stream.liveInputs.outputs.update(uid, output.uid, { account_id, enabled: false });
  assert.deepEqual(off, { ...output, enabled: false });
  await sdk.stream.liveInputs.outputs.delete(uid, output.uid, { account_id });
  assert.deepEqual(await everything(sdk.stream.liveInputs.outputs.list(uid, { account_id })), []);
});

test('accounts and tokens are made, verified and revoked', async () => {
  const { sdk } = await client();
  const account = await sdk.accounts.create({ name: 'Another', type: 'standard' });
  const accounts = await everything(sdk.accounts.list());
  assert.ok(accounts.some(({ id }) => id === account.id));

  const made = await sdk.accounts.tokens.create({ account_id: account.id, name: 'reads', access: 'read' });
  const { sdk: reader } = await client({ token: made.value });
  assert.equal((await reader.user.tokens.verify()).status, 'active');
  assert.deepEqual((await reader.stream.liveInputs.list({ account_id: account.id })).liveInputs, []);
  await assert.rejects(reader.stream.liveInputs.create({ account_id: account.id }), Cloudflare.PermissionDeniedError);
  const tokens = await everything(sdk.accounts.tokens.list({ account_id: account.id }));
  assert.deepEqual(tokens.map(({ id }) => id), [made.id]);
  await sdk.accounts.tokens.delete(made.id, { account_id: account.id });
  await assert.rejects(reader.user.tokens.verify(), Cloudflare.AuthenticationError);
  await sdk.accounts.delete({ account_id: account.id });
});

test('what is refused says where and why', async () => {
  const { sdk, account_id } = await client();

  await assert.rejects(sdk.stream.liveInputs.create({ account_id, recording: { deleteRecordingAfterDays: 45 } }), (error) =>
    error instanceof Cloudflare.BadRequestError && error.errors[0].source.pointer === '/recording/deleteRecordingAfterDays');
  await assert.rejects(sdk.stream.watermarks.list({ account_id }).then(everything), (error) =>
    error.status === 501 && error.errors[0].code === 20001 && error.errors[0].message.length > 0);
  await assert.rejects(new Cloudflare({ apiToken: 'wrong', baseURL: sdk.baseURL, maxRetries: 0 })
    .stream.liveInputs.list({ account_id }), Cloudflare.AuthenticationError);
});

test('a broadcast shows in the status and among the videos', async () => {
  const { sdk, account_id, weir } = await client();
  const input = await sdk.stream.liveInputs.create({ account_id, recording: { mode: 'automatic' } });
  const encoder = new Process('ffmpeg', ['-v', 'error', '-re', '-i', await clip(), '-c', 'copy', '-f', 'flv',
    `rtmp://${weir.address('rtmp')}/live/${input.rtmps.streamKey}`]);

  const { videoUID } = await weir.waitForState(input.uid, 'live');
  const live = await sdk.stream.liveInputs.get(input.uid, { account_id });
  assert.equal(live.status.current.state, 'connected');
  assert.equal(live.status.current.ingestProtocol, 'rtmp');
  assert.equal(await encoder.exited, 0, encoder.tail());
  await weir.waitForState(input.uid, ['ended', 'ready', 'idle'], 30);
  const after = await sdk.stream.liveInputs.get(input.uid, { account_id });
  assert.equal(after.status.current.state, 'disconnected');
  assert.ok(after.status.history.length > 0);
  /* of ours: the SDK has no method for it */
  const { result } = await sdk.get(`/accounts/${account_id}/stream/live_inputs/${input.uid}/videos`);
  assert.deepEqual(result.map(({ uid }) => uid), [videoUID]);
});

/* ---- recordings: videos, keys, tokens, downloads ---- */
