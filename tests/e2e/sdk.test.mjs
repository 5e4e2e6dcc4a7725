// SPDX-License-Identifier: LGPL-2.1-or-later
// The hosted product's official SDK works against Weir by its base URL alone.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
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

async function record({ weir, sdk, account_id }, name) {
  const input = await sdk.stream.liveInputs.create({ account_id, meta: { name },
    recording: { mode: 'automatic', timeoutSeconds: 1 } });
  const encoder = new Process('ffmpeg', ['-v', 'error', '-re', '-i', await clip(), '-c', 'copy', '-f', 'flv',
    `rtmp://${weir.address('rtmp')}/live/${input.rtmps.streamKey}`]);
  const { videoUID } = await weir.waitForState(input.uid, 'live');

  assert.equal(await encoder.exited, 0, encoder.tail());
  await weir.waitForState(input.uid, ['ready', 'idle'], 30);
  return { input, uid: videoUID };
}

test('videos are listed, read, edited and deleted', async () => {
  const all = await client();
  const { sdk, account_id } = all;
  const { input, uid } = await record(all, 'recorded for the SDK');
  const video = await sdk.stream.get(uid, { account_id });

  assert.equal(video.uid, uid);
  assert.equal(video.liveInput, input.uid);
  assert.equal(video.status.state, 'ready');
  assert.equal(video.readyToStream, true);
  assert.ok(Math.abs(video.duration - 6) < 1, `${video.duration} s`);
  assert.ok((await everything(sdk.stream.list({ account_id }))).some((item) => item.uid === uid));
  assert.deepEqual((await everything(sdk.stream.list({ account_id, search: 'for the sdk' }))).map((item) => item.uid), [uid]);
  const edited = await sdk.stream.edit(uid, { account_id, creator: 'somebody', meta: { name: 'edited' },
    allowedOrigins: ['example.com'] });
  assert.equal(edited.creator, 'somebody');
  assert.deepEqual(edited.meta, { name: 'edited' });
  assert.deepEqual((await sdk.stream.get(uid, { account_id })).allowedOrigins, ['example.com']);
  await sdk.stream.delete(uid, { account_id });
  await assert.rejects(sdk.stream.get(uid, { account_id }), Cloudflare.NotFoundError);
  assert.ok(!(await everything(sdk.stream.list({ account_id }))).some((item) => item.uid === uid));
});

/* as a program of a viewer's would: the key by its id, RS256 and nothing else */
function verify(token, key) {
  const [header, claims, signature] = token.split('.');

  assert.equal(JSON.parse(Buffer.from(header, 'base64url')).alg, 'RS256');
  assert.ok(crypto.verify('RSA-SHA256', `${header}.${claims}`, key, Buffer.from(signature, 'base64url')));
  return { header: JSON.parse(Buffer.from(header, 'base64url')), claims: JSON.parse(Buffer.from(claims, 'base64url')) };
}

test('signing keys are made, listed and deleted, and sign tokens', async () => {
  const { sdk } = await client();
  const { id: account_id } = await sdk.accounts.create({ name: 'Signs', type: 'standard' });
  const { uid } = await sdk.stream.liveInputs.create({ account_id });
  const key = await sdk.stream.keys.create({ account_id, body: {} });
  const pem = crypto.createPublicKey(Buffer.from(key.pem, 'base64').toString());
  const jwk = crypto.createPublicKey({ key: JSON.parse(Buffer.from(key.jwk, 'base64')), format: 'jwk' });
  const exp = Math.floor(Date.now() / 1000) + 600;

  assert.ok(pem.equals(jwk));
  assert.deepEqual(await everything(sdk.stream.keys.get({ account_id })), [{ id: key.id, created: key.created }]);
  const { token } = await sdk.stream.token.create(uid, { account_id, id: key.id, pem: key.pem, exp, downloadable: true,
    accessRules: [{ type: 'ip.src', action: 'allow', ip: ['192.0.2.0/24'] }, { type: 'any', action: 'block' }] });
  const { header, claims } = verify(token, pem);
  assert.deepEqual(header, { alg: 'RS256', kid: key.id });
  assert.deepEqual({ ...claims, nbf: 0 }, { sub: uid, kid: key.id, exp, nbf: 0, downloadable: true,
    accessRules: [{ type: 'ip.src', action: 'allow', ip: ['192.0.2.0/24'] }, { type: 'any', action: 'block' }] });

  assert.equal(await sdk.stream.keys.delete(key.id, { account_id }), 'Revoked');
  assert.deepEqual(await everything(sdk.stream.keys.get({ account_id })), []);
  await assert.rejects(sdk.stream.token.create(uid, { account_id, id: key.id, pem: key.pem }), (error) =>
    error instanceof Cloudflare.BadRequestError && error.errors[0].source.pointer === '/id');
});

test('without a key the own one of the account signs, for an hour', async () => {
  const { sdk } = await client();
  const { id: account_id } = await sdk.accounts.create({ name: 'Does not sign', type: 'standard' });
  const { uid } = await sdk.stream.liveInputs.create({ account_id });
  const now = Math.floor(Date.now() / 1000);
  const tokens = await Promise.all([0, 1, 2].map(() => sdk.stream.token.create(uid, { account_id })));
  const [own, ...others] = await everything(sdk.stream.keys.get({ account_id }));

  assert.deepEqual(others, [], 'one key, though three asked at once');
  for (const { token } of tokens) {
    const [header, claims] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
    assert.equal(header.kid, own.id);
    assert.equal(claims.sub, uid);
    assert.ok(Math.abs(claims.exp - now - 3600) <= 60);
    assert.equal(claims.exp - claims.nbf, 7200);
  }
});
