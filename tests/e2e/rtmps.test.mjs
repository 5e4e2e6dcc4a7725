// SPDX-License-Identifier: LGPL-2.1-or-later
// RTMPS as encoders use and misuse it, and as whoever runs the server meets it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { Authority } from './support/certificates.mjs';
import { top } from './support/documentation.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { recordedPlaylists } from './support/hls.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { Process, run } from './support/process.mjs';
import { RtmpClient } from './support/rtmp.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { settings, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('rtmps');
const authority = shared(() => Authority.make(folder));
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 20 }));

const portOf = (weir, name) => weir.address(name).split(':').pop();

/* a daemon with RTMPS; its certificates are for localhost and for b.example */
async function withRtmps(options, body) {
  const signer = await authority();
  const certificates = temporaryFolder('certificates');

  await signer.sign(certificates, 'default', 'DNS:localhost,DNS:a.example');
  await signer.sign(certificates, 'second', 'DNS:b.example');
  await withWeir({ options: { 'rtmps.listen': '127.0.0.1:0', 'rtmps.certificates': certificates, ...options } }, async (weir) => {
    const port = portOf(weir, 'rtmps');
    const input = await weir.createInput();
    await body({ weir, certificates, port, signer, input, url: `rtmps://localhost:${port}/live/${input.rtmps.streamKey}` });
  });
}

const ffmpeg = async (url, ...more) => new Process('ffmpeg',
  ['-v', 'error', '-re', '-i', await clip(), '-c', 'copy', ...more, '-f', 'flv', url]);

/* what an encoder says that is refused at the door */
async function fails(encoder) {
  assert.notEqual(await encoder.exited, 0, encoder.output);
  return encoder.output;
}

/* openssl s_client: says `words` and leaves `seconds` later */
async function client(port, args, { words = '', seconds = 0.5, command } = {}) {
  const say = command ?? `printf '%s' '${words}'; sleep ${seconds}`;
  return run('sh', ['-c', `{ ${say}; } | openssl s_client -connect 127.0.0.1:${port} ${args} 2>&1`], { check: false });
}

/* the certificate that who asks for this name gets */
function certificateFor(port, servername) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      const { subjectaltname, serialNumber } = socket.getPeerCertificate();
      resolve({ names: subjectaltname, serial: serialNumber });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/* all of the clip, without a gap */
async function undisturbed(weir, uid) {
  for (const { list } of await recordedPlaylists(weir, uid)) {
    const length = list.segments.reduce((sum, segment) => sum + segment.duration, 0);
    assert.ok(Math.abs(length - 20) < 0.2, `${length} s of 20`);
    assert.ok(list.segments.every((segment) => !segment.discontinuity && !segment.gap));
  }
}

for (const [name, start] of Object.entries({
  'ffmpeg, which checks name and authority': async (url, signer) => ffmpeg(url, '-tls_verify', '1', '-ca_file', signer.file),
  'FFmpeg 8': async (url) => publishers['node-av'](await clip(), url),
  'rtmp2sink, which accepts what is self-signed': async (url) => new Process('gst-launch-1.0', ['-q',
    'filesrc', `location=${await clip()}`, '!', 'flvdemux', 'name=d',
    'd.video', '!', 'queue', '!', 'h264parse', '!', 'video/x-h264,stream-format=avc,alignment=au', '!', 'm.video',
    'd.audio', '!', 'queue', '!', 'aacparse', '!', 'm.audio',
    'flvmux', 'name=m', 'streamable=true', '!', 'rtmp2sink', 'sync=true', 'tls-validation-flags=0', `location=${url}`]),
})) {
  test(`a publication over RTMPS by ${name}`, async () => {
    await withRtmps({}, async ({ weir, input, url, signer }) => {
      assert.equal(input.rtmps.url, `rtmps://127.0.0.1:${portOf(weir, 'rtmps')}/live/`);
      const encoder = await start(url, signer);
      const { videoUID } = await weir.waitForState(input.uid, 'live', 30);
      const { status } = await weir.api('GET', `/live_inputs/${input.uid}`);
      assert.equal(status.current.ingestProtocol, 'rtmps');
      assert.match((await weir.cli(['status'])).output, /connected +rtmps /);
      assert.equal(await encoder.exited, 0, encoder.output);
      await weir.waitForState(input.uid, ['idle', 'ended', 'ready']);
      await undisturbed(weir, videoUID);
      assert.match(await weir.text('/metrics'), /weir_rtmps_handshakes_total\{result="completed"\} 1\n/);
    });
  });
}

test('two domains have a certificate each, other names and none the default', async () => {
  await withRtmps({}, async ({ port, signer }) => {
    for (const version of ['-tls1_2', '-tls1_3']) {
      for (const name of ['a.example', 'b.example']) {
        const { output } = await client(port, `${version} -CAfile ${signer.file} -servername ${name} -verify_hostname ${name} -verify_return_error`);
        assert.match(output, /Verify return code: 0 \(ok\)/);
      }
      const wrong = await client(port, `${version} -CAfile ${signer.file} -servername c.example -verify_hostname c.example -verify_return_error`);
      assert.match(wrong.output, /ostname mismatch/);
    }
    assert.match((await certificateFor(port, 'c.example')).names, /localhost/);
    assert.match((await client(port, `-CAfile ${signer.file} -noservername`)).output, /Verify return code: 0/);
  });
});

test('certificates change in the middle of a publication, by themselves and by SIGHUP', async () => {
  await withRtmps({}, async ({ weir, input, url, port, signer, certificates }) => {
    const encoder = await ffmpeg(url);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const first = await certificateFor(port, 'localhost');

    await signer.sign(certificates, 'default', 'DNS:localhost');
    const second = await until('the next certificate', async () => {
      const now = await certificateFor(port, 'localhost');
      return now.serial !== first.serial && now;
    });
    await signer.sign(certificates, 'default', 'DNS:localhost');
    weir.process.signal('SIGHUP');
    await weir.process.waitFor(/reloading[^]*rtmps: 2 certificates/);
    assert.notEqual((await certificateFor(port, 'localhost')).serial, second.serial);

    /* of a pair that is half there, nothing is used */
    const third = await certificateFor(port, 'localhost');
    const elsewhere = temporaryFolder('next');
    await signer.sign(elsewhere, 'default', 'DNS:localhost');
    fs.copyFileSync(path.join(elsewhere, 'default.crt'), path.join(certificates, 'default.crt'));
    await weir.process.waitFor(/default\.key is not the key of the first certificate in default\.crt; the certificates of before stay in use/);
    assert.equal((await certificateFor(port, 'localhost')).serial, third.serial);
    fs.copyFileSync(path.join(elsewhere, 'default.key'), path.join(certificates, 'default.key'));
    await until('the whole pair', async () => (await certificateFor(port, 'localhost')).serial !== third.serial);

    assert.equal(await encoder.exited, 0, encoder.output);
    await weir.waitForState(input.uid, ['idle', 'ended', 'ready']);
    await undisturbed(weir, videoUID);
    const until_ = Number(/weir_certificate_expiry_timestamp_seconds\{listener="rtmps"\} (\d+)/.exec(await weir.text('/metrics'))[1]);
    assert.ok(Math.abs(until_ - Date.now() / 1000 - 24 * 3600) < 600);
  });
});

test('an encoder that does not accept the certificate says why, and so does the log', async () => {
  await withRtmps({}, async ({ weir, port, signer, certificates, input }) => {
    const key = input.rtmps.streamKey;
    const checked = ['-tls_verify', '1', '-ca_file', signer.file];

    assert.match(await fails(await ffmpeg(`rtmps://localhost:${port}/live/${key}`, '-tls_verify', '1')), /verification/);
    await weir.process.waitFor(/rtmps from [^\n]* ended before publishing: closed by the encoder right after the TLS handshake; it may not accept our certificate/);
    assert.match(await fails(await ffmpeg(`rtmps://127.0.0.1:${port}/live/${key}`, ...checked)), /does not match/);

    assert.match((await client(port, '-verify_return_error')).output, /self-signed certificate in certificate chain|unable to get local issuer/);
    await weir.process.waitFor(/the encoder does not accept our certificate: unknown authority/);
    await signer.sign(certificates, 'default', 'DNS:localhost', { days: -1 });
    weir.process.signal('SIGHUP');
    await weir.process.waitFor(/rtmps: certificate default\.crt expired at /);
    assert.match((await client(port, `-CAfile ${signer.file} -verify_return_error`)).output, /certificate has expired/);
    await weir.process.waitFor(/the encoder does not accept our certificate: certificate expired/);
    assert.match(await fails(await ffmpeg(`rtmps://localhost:${port}/live/${key}`, ...checked)), /expired|verification/);
    const metrics = await weir.text('/metrics');
    assert.match(metrics, /weir_rtmps_handshakes_total\{result="failed"\} 2\n/);
    assert.match(metrics, /weir_refusals_total\{reason="tls-handshake"\} 2\n/);
  });
});

test('RTMP to the RTMPS port and RTMPS to the RTMP port fail at once, HTTP too, and the log says what to do', async () => {
  await withRtmps({}, async ({ weir, port, input }) => {
    const key = input.rtmps.streamKey;
    const began = performance.now();

    await fails(await ffmpeg(`rtmp://localhost:${port}/live/${key}`));
    await weir.process.waitFor(/no TLS handshake: RTMP without TLS on the RTMPS port \(use rtmps:/);
    assert.match(await fails(await ffmpeg(`rtmps://${weir.address('rtmp')}/live/${key}`)), /fatal alert/);
    await weir.process.waitFor(/TLS on the plain port \(use rtmps:/);
    await fails(publishers['node-av'](await clip(), `rtmps://${weir.address('rtmp')}/live/${key}`));
    assert.ok(performance.now() - began < 15_000, 'none of them waited for a deadline');

    const http = await run('curl', ['-sS', '-i', `http://${weir.address('rtmp')}/`], { check: false });
    assert.match(http.output, /^HTTP\/1\.1 400 /);
    assert.match(http.output, /RTMP encoders, not HTTP/);
    await run('curl', ['-sS', `http://127.0.0.1:${port}/`], { check: false });
    await weir.process.waitFor(/HTTP on the RTMPS port/);
    const https = await run('curl', ['-sSk', '-i', `https://127.0.0.1:${port}/`], { check: false });
    assert.match(https.output, /RTMP encoders, not HTTP/);
  });
});

test('clients that misuse TLS harm nobody', { seconds: 180 }, async () => {
  await withRtmps({ 'limits.rtmp-handshake': '3s', 'limits.connection-rate-per-address': '0' }, async ({ weir, port, input, url, signer }) => {
    const encoder = await ffmpeg(url);
    const { videoUID } = await weir.waitForState(input.uid, 'live');

    for (const version of ['-tls1', '-tls1_1'])
      assert.match((await client(port, `${version} -cipher ALL:@SECLEVEL=0`)).output, /alert (protocol version|handshake failure)|no protocols available/);
    await weir.process.waitFor(/TLS 1\.2 or later is wanted/);
    for (const suite of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-RSA-AES256-GCM-SHA384'])
      assert.match((await client(port, `-tls1_2 -cipher ${suite}`)).output, /handshake failure/);

    /* renegotiation is refused, compression is not there */
    const again = await client(port, '-tls1_2', { command: 'sleep 0.3; printf "R\\n"; sleep 0.7' });
    assert.match(again.output, /RENEGOTIATING/);
    assert.match(again.output, /no renegotiation/);
    assert.match(again.output, /Compression: NONE/);
    for (let i = 0; i < 20; i++)
      await client(port, '-tls1_2', { command: 'printf "R\\n"' });

    /* key updates, then nothing: the deadline of the handshake ends it */
    await client(port, '-tls1_3', { command: 'sleep 0.2; for i in 1 2 3; do printf "K\\n"; sleep 0.1; done; sleep 3' });
    await weir.process.waitFor(/no RTMP handshake in time/);

    /* garbage in TLS, and instead of it */
    await client(port, '-quiet', { words: 'garbage' });
    await weir.process.waitFor(/protocol error: no RTMP handshake: HTTP on the RTMP port/);
    for (const version of ['-tls1_2', '-tls1_3'])
      await run('node', ['-e', `
        const net = require('net'), tls = require('tls');
        const tcp = net.connect(${port}, '127.0.0.1');
        const socket = tls.connect({ socket: tcp, rejectUnauthorized: false, maxVersion: '${version === '-tls1_2' ? 'TLSv1.2' : 'TLSv1.3'}' },
          () => tcp._handle ? setTimeout(() => tcp.destroy(), 100) : 0);
        socket.on('error', () => {});`], { check: false });

    /* tickets, also after a reload; half a close; early data */
    const session = path.join(folder, 'session');
    const reloads = () => [...weir.process.output.matchAll(/reloading[^]*?rtmps: 2 certificates/g)].length;
    for (const version of ['-tls1_2', '-tls1_3']) {
      assert.match((await client(port, `${version} -sess_out ${session}`)).output, /New, TLS/);
      assert.match((await client(port, `${version} -sess_in ${session}`)).output, /Reused, TLS/);
      const before = reloads();
      weir.process.signal('SIGHUP');
      await until('a reload', () => reloads() > before);
      fs.rmSync(session);
      await client(port, `${version} -sess_out ${session}`);
      await signer.sign(path.dirname(session), 'unused', 'DNS:unused');
      assert.match((await client(port, `${version} -sess_in ${session}`)).output, /Reused, TLS/);
      assert.match((await client(port, `${version} -no_ticket`)).output, /New, TLS/);
    }
    const early = path.join(folder, 'early');
    fs.writeFileSync(early, 'too early');
    assert.doesNotMatch((await client(port, `-tls1_3 -sess_in ${session} -early_data ${early}`)).output, /Early data was accepted/);

    assert.equal(await encoder.exited, 0, encoder.output);
    await weir.waitForState(input.uid, ['idle', 'ended', 'ready']);
    for (const { list } of await recordedPlaylists(weir, videoUID))
      assert.ok(list.segments.every((segment) => !segment.discontinuity && !segment.gap));
  });
});

test('who closes one direction, or sends hellos byte by byte, is served or let go', async () => {
  await withRtmps({ 'limits.rtmp-handshake': '3s' }, async ({ weir, port }) => {
    const { default: net } = await import('node:net');
    const hello = await new Promise((resolve) => {
      const server = net.createServer((socket) => socket.once('data', (data) => {
        resolve(data);
        socket.destroy();
        server.close();
      })).listen(0, '127.0.0.1', () => tls.connect({ port: server.address().port, host: '127.0.0.1' }).on('error', () => {}));
    });

    /* records of one byte: the server's hello comes all the same */
    const answer = await new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1').on('error', reject);
      socket.once('data', (data) => {
        socket.end(); /* half a close, in the middle of the handshake */
        socket.on('close', () => resolve(data)).resume();
      });
      for (const byte of hello.subarray(5))
        socket.write(Buffer.from([0x16, 3, 1, 0, 1, byte]));
    });
    assert.equal(answer[0], 0x16);
    await weir.process.waitFor(/closed by the encoder in the TLS handshake/);

    /* a hello that never ends, and one that is announced far too long */
    const slow = net.connect(port, '127.0.0.1').on('error', () => {});
    const trickle = setInterval(() => slow.write(hello.subarray(0, 1)), 200);
    slow.write(hello.subarray(0, 100));
    const began = performance.now();
    await new Promise((resolve) => slow.on('close', resolve).resume());
    clearInterval(trickle);
    assert.ok(performance.now() - began < 6000);
    const long = net.connect(port, '127.0.0.1').on('error', () => {});
    long.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]), Buffer.alloc(40_000)]));
    await new Promise((resolve) => long.on('close', resolve).resume());

    /* and RTMP in TLS with everything in small writes */
    const good = await RtmpClient.connected(weir, { app: 'live' }, { name: 'rtmps' });
    good.socket.destroy();
  });
});

test('without a certificate the log, the status and the page say how RTMPS is switched on, and then it goes on', async () => {
  await withWeir({ options: { 'rtmps.listen': '127.0.0.1:0', 'server.public-host': 'localhost' } }, async (weir) => {
    assert.equal(weir.addresses.rtmps, undefined);
    const [, hint] = await weir.process.waitFor(/(RTMPS is off: there is no certificate: put default\.crt [^\n]*)/);
    const status = await weir.cli(['status']);
    assert.ok(status.output.includes(hint), status.output);
    const page = await weir.text('/');
    assert.match(page, /RTMPS is off\..*weir status/s);
    assert.ok(!page.includes(weir.state), 'the page tells everyone where Weir keeps its files');
    assert.ok((await weir.call('GET', '/live_inputs')).body.messages[0].message.includes(hint));
    const input = await weir.createInput();
    assert.equal(input.rtmps.url, null);

    /* as it says */
    const [, commands] = /For a try: (.*?)\. For encoders/.exec(hint);
    await run('sh', ['-c', commands]);
    await weir.process.waitFor(/rtmps: 1 certificate from /);
    assert.doesNotMatch((await weir.cli(['status'])).output, /RTMPS is off/);
    assert.doesNotMatch(await weir.text('/'), /RTMPS is off/);
    const ready = fs.readFileSync(path.join(weir.state, 'ready'), 'utf8');
    const port = /rtmps=127\.0\.0\.1:(\d+)/.exec(ready)[1];
    const { rtmps } = await weir.api('GET', `/live_inputs/${input.uid}`);
    assert.equal(rtmps.url, `rtmps://localhost:${port}/live/`);
    const encoder = await ffmpeg(`${rtmps.url}${rtmps.streamKey}`, '-tls_verify', '1', '-ca_file', path.join(weir.state, 'certificates/default.crt'));
    await weir.waitForState(input.uid, 'live');
    await encoder.stop();
  });
});

test('a folder that cannot be used is explained, and mended without a restart', async () => {
  const certificates = temporaryFolder('broken');
  const signer = await authority();

  fs.writeFileSync(path.join(certificates, 'default.crt'), 'what?\n');
  await withWeir({ options: { 'rtmps.listen': '127.0.0.1:0', 'rtmps.certificates': certificates } }, async (weir) => {
    await weir.process.waitFor(/WARNING RTMPS is off: [^\n]*default\.crt holds no certificate in PEM/);
    assert.equal(weir.addresses.rtmps, undefined);
    await signer.sign(certificates, 'default', 'DNS:localhost');
    await weir.process.waitFor(/rtmps: 1 certificate from /);
    /* taken away: what there was stays in use */
    const { length } = weir.process.output;
    fs.rmSync(path.join(certificates, 'default.crt'));
    await weir.process.waitFor(/there is no certificate[^\n]*stay in use/);
    assert.ok(weir.process.output.length > length);
    const port = /rtmps=127\.0\.0\.1:(\d+)/.exec(fs.readFileSync(path.join(weir.state, 'ready'), 'utf8'))[1];
    assert.match((await certificateFor(port, 'localhost')).names, /localhost/);
  });
});

test('SIGHUP applies the log level, names what needs a restart, and keeps what there is when weir.conf is broken', async () => {
  const file = path.join(temporaryFolder('conf'), 'weir.conf');
  const state = temporaryFolder('conf-state');
  const write = (text) => fs.writeFileSync(file, `[server]\nstate-dir=${state}\n${text}`);

  write('[http]\nlisten=127.0.0.1:0\n[rtmp]\nlisten=127.0.0.1:0\n[rtmps]\nlisten=\n');
  const daemon = new Process(settings.weir, ['serve', '-c', file]);
  await daemon.waitFor(/^ready /m);
  assert.doesNotMatch(daemon.output, /RTMPS is off/);
  write('log-level=warning\n[http]\nlisten=127.0.0.1:0\n[rtmp]\nlisten=127.0.0.1:0\nread-interval=50ms\n[rtmps]\nlisten=\n[segments]\nduration=4s\n');
  daemon.signal('SIGHUP');
  await daemon.waitFor(/changed, but in force only after a restart: rtmp\.read-interval, segments\.duration\n/);
  const quiet = daemon.output.length;
  write('[http]\nlisten=nowhere\n');
  daemon.signal('SIGHUP');
  await daemon.waitFor(/the configuration is as before: [^\n]*http\.listen/);
  assert.doesNotMatch(daemon.output.slice(quiet), /NOTICE/, 'the log level is in force');
  assert.equal(await daemon.stop(), 0);
});

test('the README has commands for RTMPS that work', async () => {
  const readme = fs.readFileSync(path.join(top, 'README.md'), 'utf8');
  const [, commands] = /^### RTMPS\n[^]*?```sh\n([^]*?)```/m.exec(readme);

  await withWeir({ options: { 'rtmps.listen': '127.0.0.1:0' } }, async (weir) => {
    await run('sh', ['-ec', commands.replaceAll('/var/lib/weir', weir.state).replaceAll('live.example.org', 'localhost')]);
    await weir.process.waitFor(/rtmps: 1 certificate from /);
    const port = /rtmps=127\.0\.0\.1:(\d+)/.exec(fs.readFileSync(path.join(weir.state, 'ready'), 'utf8'))[1];
    const check = async (file) => assert.match(
      (await client(port, `-CAfile ${file} -verify_hostname localhost -verify_return_error`)).output, /Verify return code: 0 \(ok\)/);
    await check(path.join(weir.state, 'certificates/default.crt'));

    /* what certbot would run */
    const [, hook] = /--deploy-hook '([^']*)'/.exec(readme);
    const signer = await authority();
    const lineage = temporaryFolder('lineage');
    await signer.sign(lineage, 'x', 'DNS:localhost');
    fs.renameSync(path.join(lineage, 'x.crt'), path.join(lineage, 'fullchain.pem'));
    fs.renameSync(path.join(lineage, 'x.key'), path.join(lineage, 'privkey.pem'));
    await run('sh', ['-ec', hook.replaceAll('/var/lib/weir', weir.state)], { env: { RENEWED_LINEAGE: lineage } });
    await weir.process.waitFor(/rtmps: 1 certificate from [^]*rtmps: 1 certificate from /);
    await check(signer.file);
  });
});

test('weirrtmpsrc takes RTMPS with certificates of its own', async () => {
  const signer = await authority();
  const certificates = temporaryFolder('element');
  const file = path.join(folder, 'element.mp4');

  const missing = await run('gst-launch-1.0', ['weirrtmpsrc', 'port=0', `certificates=${certificates}`, '!', 'fakesink'],
    { check: false, env: { GST_PLUGIN_PATH_1_0: path.join(settings.build, 'elements') } });
  assert.notEqual(missing.code, 0);
  assert.match(missing.output, /there is no certificate: put default\.crt/);

  await signer.sign(certificates, 'default', 'DNS:localhost');
  const { freePort } = await import('./support/folder.mjs');
  const port = await freePort();
  const pipeline = new Process('gst-launch-1.0', ['weirrtmpsrc', 'address=127.0.0.1', `port=${port}`, 'stream-key=k', `certificates=${certificates}`, 'name=s',
    'weirsanitizer', 'name=c', 'weirsegmentmux', 'name=m', '!', 'filesink', `location=${file}`,
    's.video_0', '!', 'c.video_0', 's.audio_0', '!', 'c.audio_0', 'c.video_src_0', '!', 'm.video_0', 'c.audio_src_0', '!', 'm.audio_0'],
  { env: { GST_PLUGIN_PATH_1_0: path.join(settings.build, 'elements') } });
  await pipeline.waitFor(/Setting pipeline to PLAYING|PLAYING/);
  const encoder = await ffmpeg(`rtmps://localhost:${port}/live/k`, '-tls_verify', '1', '-ca_file', signer.file);
  assert.equal(await encoder.exited, 0, encoder.output);
  assert.equal(await pipeline.exited, 0, pipeline.output);
  const probe = await run('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', file]);
  assert.ok(Math.abs(Number(probe.stdout) - 20) < 0.3, probe.output);
});
