// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens is told: by the log from any cursor, as server-sent events, and to webhooks, whatever their receivers do.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { Authority } from './support/certificates.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { shared, test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { sharedWeir, Weir, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('webhooks');
const allowed = { 'egress.allow': '127.0.0.0/8;::1' };
const daemon = sharedWeir({ options: allowed });
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 8 }));

/* a receiver of webhooks; answer(request, response, n) is what it does with the n-th request, 200 if it does nothing */
async function receive(answer = () => {}) {
  const receiver = { requests: [] };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const got = { headers: request.headers, url: request.url, body, event: JSON.parse(body), at: Date.now() };
      receiver.requests.push(got);
      answer(request, response, receiver.requests.length);
      if (!response.writableEnded && !response.taken)
        response.end();
    });
  });

  server.on('clientError', (error, socket) => socket.destroy());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${server.address().port}`;
  receiver.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return receiver;
}

async function withReceiver(answer, body) {
  const receiver = await receive(answer);
  try {
    return await body(receiver);
  } finally {
    receiver.close();
  }
}

const CREATED = 'live_input.created';
const makeWebhook = (weir, url, more = {}) => weir.api('POST', '/webhooks', { url, events: [CREATED], ...more });
const removeWebhook = (weir, { id }) => weir.api('DELETE', `/webhooks/${id}`);

/* @names are of inputs, whose creation is an event each */
async function createInputs(weir, count) {
  const uids = [];
  for (let i = 0; i < count; i++)
    uids.push((await weir.createInput()).uid);
  return uids;
}

/* waits until all of these inputs have been told of; their uids in the order they came, repetitions left out */
async function waitForInputs(receiver, uids, { filter = () => true, seconds = 30 } = {}) {
  await until(() => `${uids.length} events; there are ${receiver.requests.length}`,
    () => uids.every((uid) => receiver.requests.some((r, i) => r.event.input === uid && filter(r, i + 1))), { seconds });
  const order = receiver.requests.filter((r, i) => uids.includes(r.event.input) && filter(r, i + 1)).map(({ event }) => event.input);
  return [...new Set(order)];
}

test('events come signed and in order', async () => {
  const weir = await daemon();
  await withReceiver(undefined, async (receiver) => {
    const webhook = await makeWebhook(weir, `${receiver.url}/hook?a=1`);
    assert.match(webhook.secret, /^[0-9a-f]{64}$/);
    const uids = await createInputs(weir, 10);
    assert.deepEqual(await waitForInputs(receiver, uids), uids);
    let last = 0;
    for (const { headers, body, event, url } of receiver.requests) {
      const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers['weir-signature']);
      assert.equal(url, '/hook?a=1');
      assert.equal(signature, crypto.createHmac('sha256', webhook.secret).update(`${time}.${body}`).digest('hex'));
      assert.ok(Math.abs(Date.now() / 1000 - Number(time)) < 60);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['weir-event'], event.type);
      assert.equal(Number(headers['weir-sequence']), event.sequence);
      assert.ok(event.sequence > last);
      last = event.sequence;
    }
    const { delivery } = await until('its deliveries are known', async () => {
      const read = await weir.api('GET', `/webhooks/${webhook.id}`);
      return read.delivery.cursor >= last && read;
    });
    assert.ok(delivery.delivered >= 10 && delivery.attempts === 0 && delivery.lastError === null);
    await removeWebhook(weir, webhook);
    assert.equal((await weir.call('GET', `/webhooks/${webhook.id}`)).status, 404);
    const [uid] = await createInputs(weir, 1);
    const told = async () => (await weir.api('GET', `/events?after=${last}&type=${CREATED}`)).events.some(({ input }) => input === uid);
    await until('the log has it', told);
    assert.ok(!receiver.requests.some(({ event }) => event.input === uid));
  });
});

test('what is refused for a while is sent again, and the order stays', async () => {
  const refused = (n) => n <= 2;
  const answer = (request, response, n) => response.writeHead(refused(n) ? 500 : 204);
  await withWeir({ options: allowed }, (weir) => withReceiver(answer, async (receiver) => {
    const webhook = await makeWebhook(weir, receiver.url);
    const uids = await createInputs(weir, 3);
    assert.deepEqual(await waitForInputs(receiver, uids, { filter: (r, n) => !refused(n) }), uids);
    assert.deepEqual(receiver.requests.slice(0, 3).map(({ event }) => event.input), [uids[0], uids[0], uids[0]]);
    const { delivery } = await weir.api('GET', `/webhooks/${webhook.id}`);
    assert.match(delivery.lastError, /500/);
    assert.ok(delivery.lastFailure !== null);
  }));
});

test('an endpoint that stalls delays no other', async () => {
  const weir = await daemon();
  const stall = (request, response) => {
    response.taken = true;
  };
  await withReceiver(stall, (stalled) => withReceiver(undefined, async (well) => {
    const webhooks = [await makeWebhook(weir, stalled.url), await makeWebhook(weir, well.url)];
    const uids = await createInputs(weir, 5);
    assert.deepEqual(await waitForInputs(well, uids), uids);
    /* while the other is still being waited for */
    assert.equal(stalled.requests.length, 1);
    assert.equal((await weir.api('GET', `/webhooks/${webhooks[0].id}`)).delivery.attempts, 0);
    const { delivery } = await until('it is given up for now', async () => {
      const read = await weir.api('GET', `/webhooks/${webhooks[0].id}`);
      return read.delivery.attempts > 0 && read;
    });
    assert.match(delivery.lastError, /no answer within 10 s/);
    for (const webhook of webhooks)
      await removeWebhook(weir, webhook);
  }));
});

/* what receivers do after they have said 200: the event has been taken, and nothing is held up */
const LIES = {
  'closes in the middle of its body': (request, response) => {
    response.writeHead(200, { 'Content-Length': 1000 });
    response.write('a', () => request.socket.destroy());
    response.taken = true;
  },
  'has a longer body than it says': (request, response) => {
    request.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmuch more than two');
    response.taken = true;
  },
  'has a shorter body than it says, and waits': (request, response) => {
    response.writeHead(200, { 'Content-Length': 10 });
    response.write('a');
    response.taken = true;
  },
  'has a body without end': (request, response) => {
    response.writeHead(200);
    response.taken = true;
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65536)))
        ;
    };
    response.on('drain', more).on('error', () => {});
    more();
  },
};

for (const [name, lie] of Object.entries(LIES)) {
  test(`an answer that ${name} is one`, async () => {
    await withWeir({ options: allowed }, (weir) => withReceiver(lie, async (receiver) => {
      await makeWebhook(weir, receiver.url);
      const uids = await createInputs(weir, 3);
      assert.deepEqual(await waitForInputs(receiver, uids), uids);
      assert.equal(receiver.requests.length, 3);
    }));
  });
}

test('an answer whose head has no end, or is none, is a failure', async () => {
  const weir = await daemon();
  const endless = (request, response, n) => {
    response.taken = true;
    if (n > 1) {
      request.socket.end('220 mail.example ESMTP\r\n');
      return;
    }
    const more = () => {
      while (!request.socket.destroyed && request.socket.write(`X-${'a'.repeat(60000)}: b\r\n`))
        ;
    };
    request.socket.write('HTTP/1.1 200 OK\r\n');
    request.socket.on('drain', more).on('error', () => {});
    more();
  };
  await withReceiver(endless, async (receiver) => {
    const webhook = await makeWebhook(weir, receiver.url);
    await createInputs(weir, 1);
    await until('two attempts have failed', async () =>
      (await weir.api('GET', `/webhooks/${webhook.id}`)).delivery.attempts >= 2, { seconds: 40 });
    const status = fs.readFileSync(`/proc/${weir.process.child.pid}/status`, 'utf8');
    assert.ok(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) < 400 * 1024, /VmRSS.*/.exec(status)[0]);
    await removeWebhook(weir, webhook);
  });
});

test('a receiver whose certificate nobody has signed is told nothing', async () => {
  const weir = await daemon();
  const authority = await Authority.make(folder);
  const certificate = await authority.sign(folder, 'receiver', 'DNS:localhost,IP:127.0.0.1');
  let connections = 0, requests = 0;
  const server = https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(certificate.replace(/crt$/, 'key')) },
    (request, response) => {
      requests++;
      response.end();
    });
  server.on('connection', () => connections++).on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const webhook = await makeWebhook(weir, `https://127.0.0.1:${server.address().port}/`);
    await createInputs(weir, 1);
    const { delivery } = await until('it is tried again', async () => {
      const read = await weir.api('GET', `/webhooks/${webhook.id}`);
      return read.delivery.attempts >= 2 && read;
    });
    assert.match(delivery.lastError, /certificate of the receiver is not signed by an authority that is trusted/);
    assert.equal(delivery.delivered, 0);
    assert.ok(connections >= 2);
    assert.equal(requests, 0);
    await removeWebhook(weir, webhook);
  } finally {
    server.close();
  }
});

test('a redirect is not followed', async () => {
  const weir = await daemon();
  await withReceiver(undefined, (elsewhere) => {
    const redirect = (request, response) => response.writeHead(307, { Location: elsewhere.url });
    return withReceiver(redirect, async (receiver) => {
      const webhook = await makeWebhook(weir, receiver.url);
      await createInputs(weir, 1);
      const { delivery } = await until('it has failed', async () => {
        const read = await weir.api('GET', `/webhooks/${webhook.id}`);
        return read.delivery.attempts > 0 && read;
      });
      assert.match(delivery.lastError, /307.*not followed/);
      assert.equal(elsewhere.requests.length, 0);
      await removeWebhook(weir, webhook);
    });
  });
});

test('this host is not reached without leave, by any name', async () => {
  await withWeir({}, (weir) => withReceiver(undefined, async (receiver) => {
    const { port } = new URL(receiver.url);
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', '10.0.0.1']) {
      const answer = await weir.call('POST', '/webhooks', { url: `http://${host}:${port}/` });
      assert.equal(answer.status, 400, host);
      assert.equal(answer.body.errors[0].source.pointer, '/url');
    }
    const webhooks = [];
    for (const host of ['localhost', 'localhost.', '2130706433', '127.1', '0x7f.1'])
      webhooks.push(await makeWebhook(weir, `http://${host}:${port}/`));
    await createInputs(weir, 1);
    for (const { id, url } of webhooks) {
      const { delivery } = await until(() => `${url} has failed`, async () => {
        const read = await weir.api('GET', `/webhooks/${id}`);
        return read.delivery.attempts > 0 && read;
      });
      assert.match(delivery.lastError, /is no public address|resolving/, url);
    }
    assert.equal(receiver.requests.length, 0);
  }));
});

test('what is wrong in a webhook is pointed at', async () => {
  const weir = await daemon();
  const rows = [
    [{}, '/url'], [{ url: 'ftp://a.example/' }, '/url'], [{ url: 'http:///x' }, '/url'], [{ url: 'http://u:p@a.example/' }, '/url'],
    [{ url: 'http://a.example/#x' }, '/url'], [{ url: 'http://a.example/ b' }, '/url'], [{ url: 1 }, '/url'],
    [{ url: 'http://a.example', secret: 'short' }, '/secret'], [{ url: 'http://a.example', secret: 'a b'.repeat(10) }, '/secret'],
    [{ url: 'http://a.example', events: ['a*b'] }, '/events'], [{ url: 'http://a.example', format: 'xml' }, '/format'],
    [{ url: 'http://a.example', retries: 3 }, '/retries'],
  ];
  for (const [body, pointer] of rows) {
    const answer = await weir.call('POST', '/webhooks', body);
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.equal(answer.body.errors[0].source.pointer, pointer, JSON.stringify(body));
  }
  assert.equal((await weir.call('GET', '/webhooks/nothing')).status, 404);
});

test('of webhooks that are made at once there are never more than may be', async () => {
  await withWeir({ options: allowed }, async (weir) => {
    const limit = 100;
    const answers = await Promise.all(Array.from({ length: 2 * limit }, (_, i) =>
      weir.call('POST', '/webhooks', { url: `http://127.0.0.1:9/${i}`, enabled: false })));
    const made = answers.filter(({ status }) => status === 200);
    assert.equal(made.length, limit);
    for (const { status, body } of answers.filter((answer) => !made.includes(answer))) {
      assert.equal(status, 400);
      assert.match(body.errors[0].message, /100 webhooks already/);
    }
    assert.equal((await weir.api('GET', '/webhooks')).length, limit);
  });
});

test('an account that is deleted is told of nothing any more', async () => {
  await withWeir({ options: allowed }, (weir) => withReceiver(undefined, async (receiver) => {
    const home = weir.account;
    const ask = async (method, where, body) => {
      const response = await weir.fetch(`/client/v4/accounts${where}`, {
        method, headers: { Authorization: `Bearer ${weir.token}`, 'Content-Type': 'application/json' },
        body: body ? JSON.stringify(body) : undefined,
      });
      assert.equal(response.status, 200, `${method} ${where}`);
      return (await response.json()).result;
    };
    const inAccount = async (run) => {
      weir.account = 'tenant';
      try {
        return await run();
      } finally {
        weir.account = home;
      }
    };
    await ask('POST', '', { name: 'Tenant', id: 'tenant' });
    await inAccount(async () => {
      await makeWebhook(weir, receiver.url);
      const { uid } = await weir.createInput();
      await until('it is told', () => receiver.requests.some(({ event }) => event.input === uid));
      await weir.api('DELETE', `/live_inputs/${uid}`);
    });
    await ask('DELETE', '/tenant');
    /* the next one of that name */
    await ask('POST', '', { name: 'Tenant', id: 'tenant' });
    await inAccount(async () => {
      assert.deepEqual(await weir.api('GET', '/webhooks'), []);
      const before = receiver.requests.length;
      const second = await makeWebhook(weir, `${receiver.url}/second`);
      const { uid } = await weir.createInput();
      await until('its own webhook is told', () => receiver.requests.some(({ url, event }) => url === '/second' && event.input === uid));
      assert.ok(receiver.requests.slice(before).every(({ url }) => url === '/second'));
      await removeWebhook(weir, second);
    });
  }));
});

test('what a webhook had not taken follows after a restart', { seconds: 60 }, async () => {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-e2e-'));
  let well = false;
  const answer = (request, response) => response.writeHead(well ? 200 : 503);
  await withReceiver(answer, async (receiver) => {
    let weir = await Weir.start({ options: allowed, state });
    const webhook = await makeWebhook(weir, receiver.url);
    const uids = await createInputs(weir, 4);
    await until('it was tried', () => receiver.requests.length > 0);
    assert.equal(await weir.stop(), 0);
    well = true;
    weir = await Weir.start({ options: allowed, state });
    const before = receiver.requests.length;
    assert.deepEqual(await waitForInputs(receiver, uids, { filter: (r, n) => n > before }), uids);
    assert.equal((await weir.api('GET', `/webhooks/${webhook.id}`)).url, `${receiver.url}`);
    assert.equal(await weir.stop(), 0);
  });
  fs.rmSync(state, { recursive: true, force: true });
});

/* reads server-sent events; connected() when they begin, take(event) returns true for enough */
async function follow(weir, query, headers, take, connected = () => {}) {
  const abort = new AbortController();
  const response = await weir.fetch(`/client/v4/accounts/${weir.account}/stream/events${query}`, {
    headers: { Authorization: `Bearer ${weir.token}`, Accept: 'text/event-stream', ...headers }, signal: abort.signal,
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  connected();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = Object.fromEntries(text.slice(0, end).split('\n').filter((line) => !line.startsWith(':'))
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
        text = text.slice(end + 2);
        if (fields.data && take({ id: Number(fields.id), type: fields.event, ...JSON.parse(fields.data) }))
          return;
      }
    }
  } finally {
    abort.abort();
  }
}

test('followers miss nothing, over a restart too', { seconds: 60 }, async () => {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-e2e-'));
  let weir = await Weir.start({ state });
  const seen = [];
  const followed = follow(weir, '', {}, (event) => {
    seen.push(event);
    return seen.filter(({ type }) => type === CREATED).length === 5;
  });
  const uids = await createInputs(weir, 8);
  await followed;
  assert.equal(await weir.stop(), 0);

  weir = await Weir.start({ state });
  uids.push(...await createInputs(weir, 2));
  const last = seen.at(-1).id;
  await follow(weir, '?after=0', { 'Last-Event-ID': String(last) }, (event) => {
    seen.push(event);
    return seen.filter(({ type }) => type === CREATED).length === 10;
  });
  assert.deepEqual(seen.filter(({ type }) => type === CREATED).map(({ input }) => input), uids);
  for (let i = 1; i < seen.length; i++)
    assert.ok(seen[i].sequence > seen[i - 1].sequence && seen[i].id === seen[i].sequence);

  const list = await weir.api('GET', `/events?limit=3&type=${CREATED}`);
  assert.deepEqual(list.events.map(({ input }) => input), uids.slice(0, 3));
  assert.equal(list.more, true);
  const rest = await weir.api('GET', `/events?after=${list.cursor}&type=live_input.*`);
  assert.deepEqual(rest.events.map(({ input }) => input), uids.slice(3));
  assert.equal(rest.more, false);
  for (const query of ['after=-1', 'after=x', 'limit=0', 'limit=1001', 'after=9999999999999999999'])
    assert.equal((await weir.call('GET', `/events?${query}`)).status, 400, query);
  assert.equal((await weir.call('GET', '/events', undefined, { token: null })).status, 401);
  /* from now on: nothing of what has been */
  let fresh, created;
  await follow(weir, '?after=now', {}, (event) => {
    fresh = event;
    return true;
  }, () => {
    created = createInputs(weir, 1);
  });
  assert.deepEqual([fresh.input], await created);
  /* one who follows does not keep it from stopping */
  const until_stopped = follow(weir, `?after=${seen.at(-1).id}`, {}, () => false);
  assert.equal(await weir.stop(), 0);
  await until_stopped;
  fs.rmSync(state, { recursive: true, force: true });
});

test('a broadcast is told of from its first connection to its recording', { seconds: 90 }, async () => {
  const weir = await daemon();
  await withReceiver(undefined, async (receiver) => {
    const webhook = await makeWebhook(weir, receiver.url, { events: ['*'] });
    const hosted = await makeWebhook(weir, `${receiver.url}/hosted`, { events: null, format: 'hosted' });
    const input = await weir.createInput();
    const encoder = publishers.ffmpeg(await clip(), input.publishUrl);
    const isReady = ({ event, url }) => url === '/' && event.type === 'recording.ready' && event.input === input.uid;
    await until('the recording is ready', () => receiver.requests.some(isReady), { seconds: 60 });
    await encoder.stop();
    const events = receiver.requests.filter(({ event, url }) => url === '/' && event.input === input.uid).map(({ event }) => event);
    const types = events.map(({ type }) => type).filter((type) => !type.startsWith('health.'));
    const order = ['live_input.created', 'broadcast.started', 'live_input.connected', 'broadcast.live', 'live_input.disconnected',
      'broadcast.reconnecting', 'broadcast.ended', 'recording.ready'];
    assert.deepEqual(types.filter((type) => type !== 'segment.committed'), order, types.join(' '));
    const segments = events.filter(({ type }) => type === 'segment.committed');
    assert.ok(segments.length >= 3);
    for (const [i, { broadcast, data }] of segments.entries()) {
      assert.equal(data.number, segments[0].data.number + i);
      assert.equal(data.name, `${broadcast}/${data.epoch}-${data.number}.m4s`);
      assert.ok(data.size > 0 && data.durationUs > 0);
    }
    const { data } = events.find(({ type }) => type === 'broadcast.reconnecting');
    assert.ok(data.reason.length > 0 && !Number.isNaN(Date.parse(data.deadline)));

    const told = () => receiver.requests.filter(({ url, body }) => url === '/hosted' && body.includes(input.uid));
    await until('the hosted forms came', () => told().length === 3);
    const [connected, disconnected, ready] = told();
    assert.equal(connected.headers['cf-webhook-auth'], hosted.secret);
    assert.equal(connected.event.data.event_type, 'live_input.connected');
    assert.equal(connected.event.data.notification_name, 'Stream Live Input');
    assert.equal(disconnected.event.data.event_type, 'live_input.disconnected');
    assert.equal(ready.event.uid, events.at(-1).broadcast);
    assert.equal(ready.event.status.state, 'ready');
    assert.equal(ready.event.liveInput, input.uid);
    const [, time, signature] = /^time=(\d+),sig1=([0-9a-f]{64})$/.exec(ready.headers['webhook-signature']);
    assert.equal(signature, crypto.createHmac('sha256', hosted.secret).update(`${time}.${ready.body}`).digest('hex'));
    await removeWebhook(weir, webhook);
    await removeWebhook(weir, hosted);
  });
});

test('who is refused is told of, without the key', async () => {
  const weir = await daemon();
  const key = 'f'.repeat(32) + 'k' + '0'.repeat(32);
  const encoder = publishers.ffmpeg(await clip(), `rtmp://${weir.address('rtmp')}/live/${key}`);
  const found = await until('it is told of', async () =>
    (await weir.api('GET', '/events?type=publish.refused')).events.find(({ data }) => data.key.endsWith(`k${'0'.repeat(32)}`)));
  await encoder.stop('SIGKILL');
  assert.equal(found.data.key, `ffff${'*'.repeat(28)}k${'0'.repeat(32)}`);
  assert.equal(found.data.reason, 'unknown-key');
  assert.equal(found.data.protocol, 'rtmp');
  assert.ok(found.data.address.length > 0);
});

test('the hosted product\'s only webhook is one of ours', async () => {
  await withWeir({}, async (weir) => {
    assert.equal((await weir.call('GET', '/webhook')).status, 404);
    const made = await weir.api('PUT', '/webhook', { notificationUrl: 'https://a.example/x' });
    assert.match(made.secret, /^[0-9a-f]{64}$/);
    assert.match(made.modified, /Z$/);
    const changed = await weir.api('PUT', '/webhook', { notification_url: 'https://b.example/x' });
    assert.equal(changed.secret, made.secret);
    assert.deepEqual(await weir.api('GET', '/webhook'), changed);
    const [webhook] = await weir.api('GET', '/webhooks');
    assert.equal(webhook.url, 'https://b.example/x');
    assert.equal(webhook.format, 'hosted');
    assert.deepEqual(webhook.events, ['recording.ready']);
    assert.equal(await weir.api('DELETE', '/webhook'), '');
    assert.deepEqual(await weir.api('GET', '/webhooks'), []);
  });
});
