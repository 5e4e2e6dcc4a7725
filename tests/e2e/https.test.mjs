// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTPS as browsers, scripts and the command line use it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import https from 'node:https';
import tls from 'node:tls';
import { readRecord, watchVideo, withBrowser } from './support/browser.mjs';
import { Authority, keyHash } from './support/certificates.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { RawHttp, exchange } from './support/http.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { run } from './support/process.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { settings, Weir, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('https');
const authority = shared(() => Authority.make(folder));

/* a daemon with HTTPS and HTTP; its certificates are for localhost, and for b.example */
async function withHttps(options, body) {
  const signer = await authority();
  const certificates = temporaryFolder('certificates');

  await signer.sign(certificates, 'default', 'DNS:localhost,DNS:a.example,IP:127.0.0.1');
  await signer.sign(certificates, 'second', 'DNS:b.example');
  await withWeir({ options: { 'https.listen': '127.0.0.1:0', 'https.certificates': certificates, ...options } }, async (weir) => {
    const port = weir.address('https').split(':').pop();
    await body({ weir, certificates, port, signer, url: `https://localhost:${port}` });
  });
}

/* the certificate that who asks for this name gets */
function certificateFor(port, servername, ca) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, ca, rejectUnauthorized: false }, () => {
      resolve({ names: socket.getPeerCertificate().subjectaltname, trusted: socket.authorized,
        error: socket.authorizationError, protocol: socket.getProtocol(), serial: socket.getPeerCertificate().serialNumber });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('curl reaches two names with a certificate each, and says what is wrong with a third', async () => {
  await withHttps({}, async ({ port, signer }) => {
    const curl = (name, ...more) => run('curl', ['-sS', '--cacert', signer.file, '--resolve', `${name}:${port}:127.0.0.1`,
      ...more, `https://${name}:${port}/healthz`], { check: false });

    for (const name of ['a.example', 'b.example', 'localhost']) {
      const done = await curl(name);
      assert.equal(done.output, 'alive\n');
      assert.equal((await curl(name, '--tls-max', '1.2')).output, 'alive\n');
      assert.equal((await curl(name, '--tls-max', '1.1')).code, 35);
    }
    const wrong = await curl('c.example');
    assert.equal(wrong.code, 60);
    assert.match(wrong.output, /does not match|no alternative certificate/i);
    const unknown = await run('curl', ['-sS', `https://localhost:${port}/healthz`], { check: false });
    assert.equal(unknown.code, 60);
  });
});

test('an expired certificate is used, and seen to be expired', async () => {
  await withHttps({}, async ({ weir, port, certificates, signer }) => {
    await signer.sign(certificates, 'default', 'DNS:localhost', { days: -1 });
    const seen = await until('the expired certificate', async () => {
      const now = await certificateFor(port, 'localhost', fs.readFileSync(signer.file));
      return now.error === 'CERT_HAS_EXPIRED' && now;
    });
    assert.equal(seen.trusted, false);
    await weir.process.waitFor(/default\.crt expired/, 5);
  });
});

test('a certificate is replaced in the middle of a download, by itself and by SIGHUP', async () => {
  await withHttps({ 'limits.http-idle': '1h', 'limits.http-write-stall': '1h', 'limits.http-header-time': '1h' }, async ({ weir, port, certificates, signer, url }) => {
    const ca = fs.readFileSync(signer.file);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
    const get = (where) => new Promise((resolve, reject) => {
      https.get(`${url}${where}`, { agent }, (answer) => resolve(answer)).on('error', reject);
    });
    const drain = async (answer) => {
      const chunks = [];
      for await (const chunk of answer)
        chunks.push(chunk);
      return Buffer.concat(chunks);
    };
    const whole = Buffer.from(await (await weir.fetch('/web/hls.min.js')).arrayBuffer());

    /* the head is there, the rest is not taken yet */
    const answer = await get('/web/hls.min.js');
    const { socket } = answer;
    const old = await certificateFor(port, 'localhost', ca);
    await signer.sign(certificates, 'default', 'DNS:localhost,DNS:renewed.example');
    const renewed = await until('the new certificate', async () => {
      const now = await certificateFor(port, 'localhost', ca);
      return now.serial !== old.serial && now;
    });
    assert.match(renewed.names, /renewed\.example/);
    assert.ok(renewed.trusted);
    assert.ok((await drain(answer)).equals(whole));
    /* and the connection goes on */
    const next = await get('/healthz');
    assert.equal(next.socket, socket);
    await drain(next);

    /* a broken one leaves what is there in place */
    fs.writeFileSync(path.join(certificates, 'default.crt'), 'nothing');
    weir.process.signal('SIGHUP');
    await weir.process.waitFor(/https: .*stay in use/, 5);
    assert.equal((await certificateFor(port, 'localhost', ca)).serial, renewed.serial);
    await signer.sign(certificates, 'default', 'DNS:localhost,DNS:again.example');
    weir.process.signal('SIGHUP');
    await until('the next certificate', async () => /again\.example/.test((await certificateFor(port, 'localhost', ca)).names), { seconds: 5 });
    agent.destroy();
  });
});

test('HTTP on the HTTPS port, and HTTPS on the HTTP port, fail in words', async () => {
  await withHttps({}, async ({ weir, port }) => {
    const plain = await exchange(weir, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { listener: 'https' });
    assert.equal(plain.status, 400);
    assert.match(plain.body, /speaks HTTPS/);
    const curl = await run('curl', ['-sS', `http://127.0.0.1:${port}/`], { check: false });
    assert.match(curl.output, /speaks HTTPS/);
    const begin = Date.now();
    const secure = await run('curl', ['-sSk', `https://${weir.address('http')}/`], { check: false });
    assert.equal(secure.code, 35);
    assert.match(secure.output, /wrong version number/i);
    assert.ok(Date.now() - begin < 3000);
  });
});

test('bad TLS clients are closed, and the others are served', async () => {
  await withHttps({ 'limits.http-header-time': '2s' }, async ({ weir, port, signer }) => {
    const silent = await RawHttp.open(weir, { listener: 'https' });
    const slow = await RawHttp.open(weir, { listener: 'https' });
    await slow.send(Buffer.from([0x16, 3, 1, 2, 0]));
    const torn = await RawHttp.open(weir, { listener: 'https' });
    await torn.send(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), Buffer.alloc(100, 0xff)]));
    const records = await RawHttp.open(weir, { listener: 'https' });
    /* a ClientHello in records of one byte that never ends */
    const drip = setInterval(() => records.send(Buffer.from([0x16, 3, 1, 0, 1, 1])), 100);
    assert.equal((await certificateFor(port, 'localhost', fs.readFileSync(signer.file))).trusted, true);
    await torn.end(5);
    for (const client of [silent, slow, records])
      await client.end(6);
    clearInterval(drip);
    assert.equal((await certificateFor(port, 'localhost', fs.readFileSync(signer.file))).trusted, true);
  });
});

test('the metrics sum up all servers', async () => {
  await withHttps({ 'http.admin-listen': '127.0.0.1:0' }, async ({ weir, port, signer }) => {
    const requests = async () => {
      const text = await (await fetch(`http://${weir.address('admin')}/metrics`)).text();
      return Number(/^weir_http_requests_total (\d+)$/m.exec(text)[1]);
    };
    const before = await requests();
    await weir.text('/healthz');
    await run('curl', ['-sS', '--cacert', signer.file, `https://localhost:${port}/healthz`]);
    assert.equal((await weir.fetch('/metrics')).status, 404, 'it is with the administration only');
    /* these three, the one before, and none of a later one */
    assert.equal(await requests(), before + 4);
  });
});

test('the daemon does not start without a certificate, and says why', async () => {
  const state = temporaryFolder('https-without');
  const { code, output } = await run(settings.weir, ['serve', '-o', `server.state-dir=${state}`, '-o', 'https.listen=127.0.0.1:0',
    '-o', 'http.listen=127.0.0.1:0', '-o', 'rtmp.listen=127.0.0.1:0'], { check: false });
  assert.equal(code, 1);
  assert.match(output, /https\.listen is set, but there is no certificate: put default\.crt .* and default\.key into/);
});

test('the command line and addresses in answers are https when it is', async () => {
  await withHttps({ 'server.public-host': 'localhost' }, async ({ weir, signer, url, port }) => {
    const env = { WEIR_URL: url, WEIR_TOKEN: weir.token, WEIR_ACCOUNT: weir.account, WEIR_CA_FILE: signer.file };
    const created = JSON.parse((await run(settings.weir, ['input', 'create', '--json'], { env })).stdout);
    assert.equal(created.result.playback.hls, `${url}/${created.result.uid}/manifest/video.m3u8`);
    assert.match((await run(settings.weir, ['input', 'show', created.result.uid], { env })).stdout, new RegExp(`${url}/${created.result.uid}/watch`));
    const refused = await run(settings.weir, ['input', 'list'], { env: { ...env, WEIR_CA_FILE: '' }, check: false });
    assert.equal(refused.code, 1);
    assert.match(refused.output, /WEIR_CA_FILE/);
    const wrongName = await run(settings.weir, ['input', 'list'], { env: { ...env, WEIR_URL: `https://127.0.0.2:${port}` }, check: false });
    assert.equal(wrongName.code, 1);
  });
  /* without HTTP the local daemon is found, too */
  await authority();
  const state = temporaryFolder('https-only');
  const signer = await authority();
  await signer.sign(path.join(state, 'certificates'), 'default', 'DNS:localhost,IP:127.0.0.1');
  const weir = await Weir.start({ state, options: { 'http.listen': '', 'https.listen': '127.0.0.1:0' } });
  try {
    assert.equal(weir.addresses.http, undefined);
    const config = path.join(folder, 'local.conf');
    fs.writeFileSync(config, `[server]\nstate-dir=${state}\n`);
    const env = { WEIR_URL: '', WEIR_TOKEN: '', WEIR_ACCOUNT: '', WEIR_CONFIG: config, WEIR_CA_FILE: signer.file };
    assert.equal((await run(settings.weir, ['input', 'list'], { env })).code, 0);
  } finally {
    assert.equal(await weir.stop(), 0, weir.process.tail());
  }
});

test('the watch page plays over HTTPS', { seconds: 180 }, async () => {
  const clip = await makeReference(path.join(folder, 'clip.flv'), { seconds: 25, video: { size: '640x360', bframes: 0, gop: 25 } });

  await withHttps({}, async ({ weir, url, certificates }) => {
    const input = await weir.createInput();
    const encoder = publishers.ffmpeg(clip, input.publishUrl);
    await weir.waitForState(input.uid, 'live');
    await until('a playlist', async () => (await weir.fetch(`/${input.uid}/manifest/video.m3u8`)).status === 200);
    await withBrowser(async (page) => {
      await watchVideo(page);
      await page.goto(`${url}/${input.uid}/watch`);
      assert.equal(await page.evaluate(() => isSecureContext), true);
      await until(() => `four seconds of playback\n${page.messages.join('\n')}`, async () => (await readRecord(page)).position > 4, { seconds: 40, every: 500 });
    }, [`--ignore-certificate-errors-spki-list=${keyHash(path.join(certificates, 'default.crt'))}`]);
    await encoder.stop();
  });
});
