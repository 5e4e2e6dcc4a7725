// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP clients that mean no good: each is dealt with by itself, nobody else notices.
// The names of the cases begin with the rows of the table in tests/README.md.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { besideGoodBroadcast, metric } from './support/hostile.mjs';
import { mediaPlaylists, parseMedia } from './support/hls.mjs';
import { RawHttp, exchange } from './support/http.mjs';
import { sleep, until } from './support/wait.mjs';

const MIB = 1024 * 1024;
const cases = [];
const add = (name, run, options = {}) => cases.push({ name, run, ...options });

const HOST = 'Host: 127.0.0.1\r\n';
const CLOSE = `${HOST}Connection: close\r\n\r\n`;
const get = (target, headers = '') => `GET ${target} HTTP/1.1\r\n${headers}${CLOSE}`;
const refused = (weir, reason) => metric(weir, `weir_refusals_total{reason="${reason}"}`);

/* one answer of this status, then the end; 0: the end without an answer */
async function answers(weir, what, bytes, status) {
  const answer = await exchange(weir, bytes);
  const expected = [status].flat();

  assert.ok(expected.includes(answer.status), `${what}: ${answer.status} for ${expected}: ${JSON.stringify(answer.text.slice(0, 300))}`);
  /* the server's library says its own refusals' heads twice before it closes */
  assert.ok(answer.statuses.every((one) => one === answer.status) && (answer.status >= 400 || answer.statuses.length <= 1),
    `${what}: more than one answer: ${answer.statuses}`);
  return answer;
}

/* CPU seconds that the daemon has used */
const cpu = (weir) => {
  const fields = fs.readFileSync(`/proc/${weir.process.pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/* a segment of the good broadcast, as its playlist has it */
async function segmentOf(weir, good) {
  const where = `/${good.uid}/manifest/video.m3u8`;
  const [playlist] = await mediaPlaylists(() => weir.text(where), where);
  const list = parseMedia(await weir.text(playlist));
  return list.segments[0].uri;
}

/* ---- those that take time first ---- */

add('H3: headers that trickle in have ten seconds', async ({ weir }) => {
  const client = await RawHttp.open(weir);
  await client.send('GET /healthz HTTP/1.1\r\n');
  const drip = setInterval(() => client.send('X: a\r\n'), 500);
  const seconds = await client.end(25).finally(() => clearInterval(drip));
  assert.ok(seconds > 8, `closed after ${seconds} s`);
  assert.equal(client.bytes, 0);
});

add('H3: so has a request line', async ({ weir }) => {
  const client = await RawHttp.open(weir);
  await client.send('GET /');
  const drip = setInterval(() => client.send('a'), 500);
  const seconds = await client.end(25).finally(() => clearInterval(drip));
  assert.ok(seconds > 8, `closed after ${seconds} s`);
});

add('H3: so has a body', async ({ weir }) => {
  const client = await RawHttp.open(weir);
  await client.send(`POST /client/v4/accounts/${weir.account}/stream/live_inputs HTTP/1.1\r\n${HOST}Content-Length: 60000\r\n\r\n`);
  const drip = setInterval(() => client.send('a'), 500);
  const seconds = await client.end(25).finally(() => clearInterval(drip));
  assert.ok(seconds > 8, `closed after ${seconds} s`);
});

add('H3: who says nothing is not kept for long', async ({ weir }) => {
  const client = await RawHttp.open(weir);
  const seconds = await client.end(25);
  assert.ok(seconds > 8, `closed after ${seconds} s`);
});

add('H3: who asks for segments and does not read them is cut off', async ({ weir, good }) => {
  const segment = await segmentOf(weir, good);
  const before = await refused(weir, 'http-write-stall');
  const client = await RawHttp.open(weir);
  client.socket.pause();
  /* as many as the buffers on the way do not hold */
  client.send(`GET ${segment} HTTP/1.1\r\n${HOST}\r\n`.repeat(1000));
  await until('the client is cut off', async () => (await refused(weir, 'http-write-stall')) > before, { seconds: 25, every: 500 });
  client.destroy();
});

/* ---- requests that are too large ---- */

add('H1: a request line of 1 MiB', ({ weir }) =>
  answers(weir, 'line', `GET /${'a'.repeat(MIB)} HTTP/1.1\r\n${CLOSE}`, [414, 0]));
add('H1: a target of 9 KiB', ({ weir }) => answers(weir, 'target', get(`/${'a'.repeat(9 * 1024)}`), 414));
add('H1: 10,000 headers', ({ weir }) => answers(weir, 'headers', get('/healthz', 'X: a\r\n'.repeat(10_000)), [431, 0]));
add('H1: 101 headers', ({ weir }) => answers(weir, 'headers', get('/healthz', 'X: a\r\n'.repeat(100)), 431));
add('H1: a header of 1 MiB', ({ weir }) => answers(weir, 'header', get('/healthz', `X: ${'a'.repeat(MIB)}\r\n`), [431, 0]));
add('H1: a header of 17 KiB', ({ weir }) => answers(weir, 'header', get('/healthz', `X: ${'a'.repeat(17 * 1024)}\r\n`), 431));
add('H15: credentials of 1 MiB', async ({ weir }) => {
  const where = `/client/v4/accounts/${weir.account}/stream/live_inputs`;
  await answers(weir, 'large', get(where, `Authorization: Basic ${'a'.repeat(MIB)}\r\n`), [431, 0]);
  await answers(weir, 'small', get(where, `Authorization: Basic ${'a'.repeat(8 * 1024)}\r\n`), 401);
  await answers(weir, 'bearer', get(where, `Authorization: Bearer ${'a'.repeat(8 * 1024)}\r\n`), 401);
});
add('H16: thousands of entity tags', async ({ weir, good }) => {
  const segment = await segmentOf(weir, good);
  await answers(weir, '10,000', get(segment, `If-None-Match: ${'"x", '.repeat(10_000)}"y"\r\n`), [431, 0]);
  await answers(weir, '2,000', get(segment, `If-None-Match: ${'"x", '.repeat(2_000)}"y"\r\n`), 200);
});

/* ---- requests that can be read in two ways ---- */

add('H1: heads that are not as they should be', async ({ weir }) => {
  for (const [what, bytes] of [
    ['folded', get('/healthz', 'X: a\r\n b\r\n')],
    ['NUL in a header', get('/healthz', 'X: a\0b\r\n')],
    ['NUL in a name', get('/healthz', 'X\0Y: a\r\n')],
    ['NUL in the target', get('/health\0z')],
    ['lone LF', get('/healthz', 'X: a\n')],
    ['lone LF at the end', `GET /healthz HTTP/1.1\r\nHost: a\n\n`],
    ['lone CR', get('/healthz', 'X: a\rY: b\r\n')],
    ['blank before the colon', get('/healthz', 'X : a\r\n')],
    ['no colon', get('/healthz', 'abc\r\n')],
    ['no name', get('/healthz', ': abc\r\n')],
    ['escape sequence', get('/healthz', 'X: \x1b[2J\r\n')],
    ['two blanks', `GET  /healthz HTTP/1.1\r\n${CLOSE}`],
    ['two Hosts', get('/healthz', 'Host: b\r\n')],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n'],
  ])
    await answers(weir, what, bytes, 400);
  await answers(weir, 'no UTF-8', get('/healthz', 'X: \xff\xfe\r\nContent-Disposition: a;filename*=\xff\'\'%ff\r\n'), 200);
  await answers(weir, 'languages', get('/healthz', `Accept-Language: ${'a;q=,'.repeat(1000)}\r\n`), 200);
});

add('H2: bodies whose end can be read in two ways', async ({ weir }) => {
  const before = await refused(weir, 'http-malformed');
  const post = (headers, body) => `POST /client/v4/accounts/x/stream/live_inputs HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
  const smuggled = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;
  const chunked = 'Transfer-Encoding: chunked\r\n';

  for (const [what, bytes, status = 400] of [
    ['length and chunked', post(`Content-Length: 4\r\n${chunked}`, `0\r\n\r\n${smuggled}`)],
    ['chunked and length', post(`${chunked}Content-Length: 4\r\n`, `0\r\n\r\n${smuggled}`)],
    ['chunked twice', post(chunked + chunked, `0\r\n\r\n${smuggled}`)],
    ['blank before the colon', post('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['folded', post('Transfer-Encoding:\r\n chunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['identity', post('Transfer-Encoding: identity\r\nContent-Length: 0\r\n', smuggled)],
    ['gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['xchunked', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['two lengths', post('Content-Length: 0\r\nContent-Length: 70\r\n', smuggled)],
    ['the same length twice', post('Content-Length: 0\r\nContent-Length: 0\r\n', smuggled)],
    ['+5', post('Content-Length: +5\r\n', `12345${smuggled}`)],
    ['-1', post('Content-Length: -1\r\n', smuggled)],
    ['5,5', post('Content-Length: 5,5\r\n', `12345${smuggled}`)],
    ['0x5', post('Content-Length: 0x5\r\n', `12345${smuggled}`)],
    ['5 and a blank', post('Content-Length: 5 5\r\n', `12345${smuggled}`)],
    ['empty', post('Content-Length:\r\n', smuggled)],
    ['2^64', post('Content-Length: 18446744073709551616\r\n', smuggled), 413],
    ['2^64 - 1', post('Content-Length: 18446744073709551615\r\n', smuggled), 413],
    ['chunk extension', post(chunked, `1;a=b\r\n{\r\n0\r\n\r\n${smuggled}`)],
    ['chunk of 2^64', post(chunked, `10000000000000000\r\n{}\r\n0\r\n\r\n${smuggled}`), 413],
    ['chunk of -1', post(chunked, `-1\r\n{}\r\n0\r\n\r\n${smuggled}`)],
    ['chunk of 0x2', post(chunked, `0x2\r\n{}\r\n0\r\n\r\n${smuggled}`)],
    ['chunk with bare line feeds', post(chunked, `2\n{}\n0\n\n${smuggled}`)],
    ['chunk that ends too late', post(chunked, `1\r\n{}\r\n0\r\n\r\n${smuggled}`)],
    ['trailers', post(chunked, `2\r\n{}\r\n0\r\nContent-Length: 50\r\n\r\n${smuggled}`)],
  ]) {
    const answer = await answers(weir, what, bytes, status);
    assert.ok(!/smuggled|Not found/.test(answer.text), `${what}: ${answer.text}`);
  }
  /* as it should be, and even then nothing is taken for a next request */
  const plain = await answers(weir, 'chunked', post(chunked, `2\r\n{}\r\n0\r\n\r\n${smuggled}`), 401);
  assert.match(plain.head, /\r\nConnection: close/i);
  /* a chunk of 2^64 - 1 never ends: the time for a body does */
  assert.ok((await refused(weir, 'http-malformed')) >= before + 15);
});

add('H3: 10,000 requests at once are answered in their order', async ({ weir }) => {
  const client = await RawHttp.open(weir);
  const asked = 10_000;
  client.send(`GET /healthz HTTP/1.1\r\n${HOST}\r\n`.repeat(asked - 1) + get('/readyz'));
  await client.end(30);
  assert.equal(client.text.match(/HTTP\/1\.1 200 /g).length, asked);
  assert.match(client.text, /ready\n$/);
});

add('H3: hoarded connections do not keep others out', async ({ weir }) => {
  const before = await refused(weir, 'http-connections-per-address');
  const hoard = await Promise.all(Array.from({ length: 1500 }, () => RawHttp.open(weir, { localAddress: '127.0.0.3' }).catch(() => null)));
  /* from another address, and from the same one */
  await answers(weir, 'another', get('/healthz'), 200);
  assert.equal((await exchange(weir, get('/healthz'), { localAddress: '127.0.0.3' })).status, 200);
  assert.ok((await refused(weir, 'http-connections-per-address')) >= before + 900);
  assert.ok((await metric(weir, 'weir_http_connections')) < 700, 'they are not closed');
  for (const client of hoard)
    client?.destroy();
});

add('H3: 100,000 connections of 100 addresses that ask for nothing', async ({ weir }) => {
  for (let round = 0; round < 100; round++) {
    const localAddress = `127.0.1.${round + 1}`;
    const hoard = await Promise.all(Array.from({ length: 1000 }, () => RawHttp.open(weir, { localAddress }).catch(() => null)));
    await answers(weir, 'another', get('/healthz'), 200);
    assert.ok((await metric(weir, 'weir_http_connections')) <= 4096 + 1024);
    for (const client of hoard)
      client?.destroy();
  }
}, { long: true });

/* ---- what is asked for ---- */

add('H4: blocking reloads with strange numbers', async ({ weir, good }) => {
  const where = `/${good.uid}/manifest/video.m3u8`;
  for (const query of ['_HLS_msn=-1', '_HLS_msn=9223372036854775808', '_HLS_msn=1e400', '_HLS_msn=1;DROP', '_HLS_msn=1&_HLS_msn=2',
    '_HLS_part=1', '_HLS_skip=v2', '_HLS_msn=', '_HLS_msn'])
    await answers(weir, query, get(`${where}?${query}`), [200, 400]);
  await answers(weir, 'many', get(`${where}?${'a=b&'.repeat(100)}`), 400);
});

add('H5: ranges', async ({ weir, good }) => {
  const segment = await segmentOf(weir, good);
  const whole = await weir.bytes(segment);
  const { length } = whole;
  for (const [range, status, size] of [
    ['bytes=0-', 206, length], ['bytes=0-0', 206, 1], ['bytes=-0', 416, 0], ['bytes=-1', 206, 1], ['bytes=5-1', 200, length],
    ['bytes=18446744073709551615-', 416, 0], ['bytes=99999999999999999999999-', 416, 0], [`bytes=0-${'9'.repeat(30)}`, 206, length],
    ['bytes=0-0,0-0', 200, length], [`bytes=${'0-,'.repeat(3000)}0-`, 200, length], ['bytes=--1', 200, length], ['bytes=', 200, length],
    ['bytes=a-b', 200, length], ['octets=0-1', 200, length], ['bytes=0x0-0x1', 200, length], ['bytes=\xff-', 200, length],
  ]) {
    const answer = await answers(weir, range.slice(0, 40), get(segment, `Range: ${range}\r\n`), status);
    assert.equal(answer.body.length, size, range.slice(0, 40));
    if (size === length)
      assert.ok(Buffer.from(answer.body, 'latin1').equals(whole), range.slice(0, 40));
  }
  await answers(weir, '100,000', get(segment, `Range: bytes=${'0-1,'.repeat(100_000)}0-1\r\n`), [431, 0]);
  const other = await answers(weir, 'If-Range', get(segment, 'Range: bytes=0-1\r\nIf-Range: "\xff\r\n'), 200);
  assert.equal(other.body.length, length);
});

add('H6: paths that want to get out', async ({ weir, good }) => {
  for (const [target, status] of [
    ['/../../etc/passwd', 400], ['/%2e%2e/%2e%2e/etc/passwd', 400], ['/..%2f..%2fetc/passwd', 400], ['/.%2e/a', 400], ['/./a', 400],
    ['/web/%2e%2e%2fwatch.html', 400], ['/web/..%5cwatch.html', 404], ['/%252e%252e/etc/passwd', 404], ['/..;/a', 404],
    ['/web//watch.js', 404], ['//etc/passwd', 404], ['/\\..\\etc', 404], ['/%00', 400], [`/${good.uid}/watch%00.html`, 400],
    ['/%c0%ae%c0%ae/a', 400], ['/%ff', 400], ['/%', 400], ['/%4', 400], ['/%zz', 400], [`/${good.uid}/watch.`, 404],
    [`/${good.uid.toUpperCase()}/watch`, 404], [`/${'a'.repeat(7 * 1024)}/watch`, 404], ['/web/CON', 404],
    [`/${good.uid}/segments/1-1/track0.m4s%2f..`, 400], [`/${good.uid}/segments/1-1/track-1.m4s`, 404],
    [`/${good.uid}/segments/99999999999999999999-1.m4s`, 404], ['/a b', 400], ['/a#b', 400], ['a', 400], ['*', 400],
  ])
    await answers(weir, target, get(target), status);
});

add('H6: nothing redirects, nothing shows a path as a page', async ({ weir }) => {
  const mark = '<script>alert(1)</script>';
  for (const target of ['//evil.example', '//evil.example/', '//evil.example/..', '/%2f%2fevil.example/', '/\\evil.example', '///evil.example/watch',
    `/${encodeURIComponent(mark)}/watch`, `/web/${encodeURIComponent(mark)}`, `/a?${mark}`, `/${mark}`,
    `/client/v4/accounts/${encodeURIComponent(mark)}/stream`, `/client/v4/accounts/x/stream/live_inputs/${encodeURIComponent(mark)}`]) {
    const answer = await answers(weir, target, get(target), [400, 401, 403, 404]);
    assert.doesNotMatch(answer.head, /\r\nLocation:/i, target);
    assert.ok(!answer.text.includes('<script'), target);
    assert.doesNotMatch(answer.head, /\r\nContent-Type: text\/html/i, target);
  }
});

/* ---- the API ---- */

add('H7: bodies that are no JSON for everyone', async ({ weir }) => {
  const before = await refused(weir, 'json-depth');
  for (const [what, body, status = 400] of [
    ['depth 100,000', '['.repeat(30_000) + ']'.repeat(30_000)], ['depth 17', `{"meta":${'['.repeat(16)}${']'.repeat(16)}}`],
    ['300 digits', `{"meta":{"a":${'9'.repeat(300)}}}`], ['1e400', '{"meta":{"a":1e400}}'], ['2^63', '{"meta":{"a":9223372036854775808}}'],
    ['a key twice', '{"meta":{},"meta":{}}'], ['a key twice, escaped', '{"meta":{},"m\\u0065ta":{}}'],
    ['no UTF-8', Buffer.from('{"meta":{"a":"\xff"}}', 'latin1')], ['overlong', Buffer.from('{"meta":{"a":"\xc0\xae"}}', 'latin1')],
    ['lone surrogate', '{"meta":{"a":"\\ud800"}}'], ['NUL', '{"meta":{"a":"\\u0000"}}'], ['trailing', '{} {}'], ['comment', '{}//'],
    ['nothing but a number', '1'], ['a list', '[]'], ['__proto__', '{"__proto__":{}}'], ['cut', '{"meta":'],
    ['byte order mark', '\ufeff{}'], ['65 KiB', `{"meta":{"a":"${'a'.repeat(65 * 1024)}"}}`, 413],
    ['100 numbers in __proto__', '{"constructor":{"prototype":1}}'],
  ]) {
    const answer = await weir.call('POST', '/live_inputs', body instanceof Buffer ? undefined : body, {});
    if (!(body instanceof Buffer))
      assert.equal(answer.status, status, `${what}: ${answer.text.slice(0, 200)}`);
    else {
      const where = `/client/v4/accounts/${weir.account}/stream/live_inputs`;
      const head = `POST ${where} HTTP/1.1\r\nAuthorization: Bearer ${weir.token}\r\nContent-Length: ${body.length}\r\n${CLOSE}`;
      await answers(weir, what, Buffer.concat([Buffer.from(head), body]), status);
      await weir.api('DELETE', `/live_inputs/${answer.body.result.uid}`);
    }
  }
  assert.ok((await refused(weir, 'json-depth')) >= before + 2);
  /* what is unusual and means the same to everyone is kept as it is */
  const meta = { __proto__: null, name: 'ä\n"\u{1f600}', big: 9007199254740991 };
  const input = await weir.createInput({ meta });
  assert.deepEqual({ ...(await weir.api('GET', `/live_inputs/${input.uid}`)).meta }, { ...meta });
  await answers(weir, '100 MiB', `POST /client/v4/accounts/${weir.account}/stream/live_inputs HTTP/1.1\r\n` +
    `Authorization: Bearer ${weir.token}\r\nContent-Length: ${100 * MIB}\r\n${HOST}\r\n`, 413);
});

add('H8: no answer is a script', async ({ weir, good }) => {
  for (const target of [`/${good.uid}/lifecycle?callback=alert`, '/openapi.json?jsonp=alert&callback=alert']) {
    const answer = await answers(weir, target, get(target), 200);
    assert.match(answer.body, /^\{/);
    assert.match(answer.head, /\r\nContent-Type: application\/json/i);
    assert.match(answer.head, /\r\nX-Content-Type-Options: nosniff/i);
  }
});

add('H10: what a web page can make a browser send does not reach the API', async ({ weir }) => {
  const where = `/client/v4/accounts/${weir.account}/stream/live_inputs`;
  const form = (headers) => `POST ${where} HTTP/1.1\r\n${headers}Content-Type: text/plain\r\nOrigin: http://evil.example\r\n` +
    'Content-Length: 2\r\nConnection: close\r\n\r\n{}';
  /* a form of another site, a name that was bound to this address, even with the token */
  await answers(weir, 'form', form(HOST), 401);
  await answers(weir, 'rebound', form('Host: evil.example\r\n'), 403);
  await answers(weir, 'rebound with token', form(`Host: evil.example\r\nAuthorization: Bearer ${weir.token}\r\n`), 403);
  await answers(weir, 'rebound metrics', `GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`, 403);
  const preflight = await exchange(weir, `OPTIONS ${where} HTTP/1.1\r\nOrigin: http://evil.example\r\n` +
    `Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n${CLOSE}`);
  assert.doesNotMatch(preflight.head, /Access-Control-Allow-(Origin|Headers|Credentials)/i);
});

add('H11: methods and forms of requests that nobody needs', async ({ weir }) => {
  for (const [what, bytes, status] of [
    ['TRACE', `TRACE /healthz HTTP/1.1\r\nX: secret\r\n${CLOSE}`, 405],
    ['CONNECT', `CONNECT 169.254.169.254:80 HTTP/1.1\r\n${CLOSE}`, 400],
    ['absolute, this host', `GET http://127.0.0.1/healthz HTTP/1.1\r\n${CLOSE}`, 200],
    ['absolute, another host', `GET http://evil.example/client/v4/accounts/x/stream HTTP/1.1\r\n${CLOSE}`, 403],
    ['absolute, ftp', `GET ftp://127.0.0.1/healthz HTTP/1.1\r\n${CLOSE}`, 400],
    ['HTTP/0.9', 'GET /healthz\r\n\r\n', [400, 505]],
    ['HTTP/1.2', `GET /healthz HTTP/1.2\r\n${CLOSE}`, [200, 505]],
    ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
    ['upgrade to h2c', get('/healthz', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'), 200],
    ['upgrade to websocket', get('/healthz', 'Upgrade: websocket\r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n'), 200],
    ['override', get('/healthz', 'X-HTTP-Method-Override: DELETE\r\n'), 200],
    ['expectation', get('/healthz', 'Expect: the-unexpected\r\n'), 417],
    ['unknown method', `BREW /healthz HTTP/1.1\r\n${CLOSE}`, 405],
    ['method of 1 KiB', `${'A'.repeat(1024)} /healthz HTTP/1.1\r\n${CLOSE}`, 405],
    ['no method', ` /healthz HTTP/1.1\r\n${CLOSE}`, [0, 400]],
    ['TLS', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), 400],
    ['nothing but line ends', '\r\n'.repeat(20_000), [0, 400, 414]],
  ])
    await answers(weir, what, bytes, status);
  /* "100 Continue" is said to who waits for it, and what then never comes is not waited for */
  const client = await RawHttp.open(weir);
  await client.send(`POST /client/v4/accounts/${weir.account}/stream/live_inputs HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 10\r\n\r\n`);
  await client.match(/^HTTP\/1\.1 100 /);
  client.destroy();
});

add('H12: a Host from outside is in no playlist', async ({ weir, good }) => {
  const where = `/${good.uid}/manifest/video.m3u8`;
  const lists = await mediaPlaylists(() => weir.text(where), where);
  for (const target of [where, ...lists, `/${good.uid}/watch`, `/${good.uid}/lifecycle`]) {
    const answer = await answers(weir, target, `GET ${target} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n` +
      'X-Forwarded-Proto: gopher\r\nForwarded: host=evil.example\r\nConnection: close\r\n\r\n', 200);
    assert.ok(!/evil|gopher/.test(answer.text), target);
  }
  for (const host of ['a"b', 'a/b', 'a b', 'a@b', '\xff', 'a'.repeat(300), '<b>', 'a\tb'])
    await answers(weir, host, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, 400);
});

add('H13: bodies that are packed are not unpacked', async ({ weir }) => {
  for (const encoding of ['gzip', 'br', 'deflate, gzip', 'identity'])
    await answers(weir, encoding, `POST /client/v4/accounts/${weir.account}/stream/live_inputs HTTP/1.1\r\n` +
      `Authorization: Bearer ${weir.token}\r\nContent-Encoding: ${encoding}\r\nContent-Length: 2\r\n${CLOSE}{}`, 415);
});

add('H14: the metrics are for this host or the token', async ({ weir }) => {
  for (const [headers, status] of [
    ['', 200], ['X-Forwarded-For: 198.51.100.7\r\n', 403], ['X-Forwarded-For: 127.0.0.1\r\n', 403], ['Via: 1.1 proxy\r\n', 403],
    [`X-Forwarded-For: 198.51.100.7\r\nAuthorization: Bearer ${weir.token}\r\n`, 200],
    ['X-Forwarded-For: 198.51.100.7\r\nAuthorization: Bearer wrong\r\n', 403],
  ])
    await answers(weir, headers, get('/metrics', headers), status);
});

add('H17: a title cannot write into playlists and headers', async ({ weir, good }) => {
  const name = 'a\r\n#EXT-X-KEY:METHOD=NONE\r\n",URI="http://evil.example/"\r\nX-Evil: 1';
  const input = await weir.createInput({ meta: { name }, defaultCreator: name });
  for (const target of [`/${input.uid}/manifest/video.m3u8`, `/${input.uid}/watch`, `/${input.uid}/lifecycle`, `/${good.uid}/manifest/video.m3u8`]) {
    const answer = await answers(weir, target, get(target), [200, 204]);
    assert.ok(!/evil/i.test(answer.text), target);
  }
  const shown = await weir.call('GET', `/live_inputs/${input.uid}`);
  assert.equal(shown.headers.get('x-evil'), null);
  assert.equal(shown.body.result.meta.name, name);
});

add('refusals are counted, and not all of a flood is logged', async ({ weir }) => {
  const lines = () => weir.process.output.split('\n').filter((line) => / http: refused /.test(line)).length;
  const begin = cpu(weir);
  const before = await refused(weir, 'http-bad-target');
  const logged = lines();
  for (let round = 0; round < 20; round++)
    await Promise.all(Array.from({ length: 50 }, () => exchange(weir, get('/%1b[2J%zz'))));
  assert.ok((await refused(weir, 'http-bad-target')) >= before + 1000);
  assert.ok(lines() - logged < 100, `${lines() - logged} lines`);
  assert.ok(cpu(weir) - begin < 5, `${cpu(weir) - begin} s of CPU`);
  await sleep(0);
});

besideGoodBroadcast({ alone: 'hostile', together: 10, seconds: 90 }, cases);
