// SPDX-License-Identifier: LGPL-2.1-or-later
// A second encoder comes with the key of one that is connected.

import assert from 'node:assert/strict';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { recordedPlaylists } from './support/hls.mjs';
import { metric } from './support/hostile.mjs';
import { makeReference, publishers } from './support/media.mjs';
import { play } from './support/player.mjs';
import { Relay } from './support/relay.mjs';
import { ReturningEncoder, Viewer } from './support/restart.mjs';
import { media, RtmpClient, type } from './support/rtmp.mjs';
import { shared, test } from './support/test.mjs';
import { sleep, until } from './support/wait.mjs';
import { sharedWeir, withWeir } from './support/weir.mjs';

const folder = temporaryFolder('takeover');
const daemon = sharedWeir({ options: { 'recording.timeout': '5s' } });
/* for what is to happen before the silence shows: a machine that is busy is slow to ask */
const SILENCE_MS = 6000;
const patientDaemon = sharedWeir({ options: { 'recording.timeout': '20s', 'recording.takeover-silence': `${SILENCE_MS}ms`, 'limits.authorise': '10s' } });
const clip = shared(() => makeReference(path.join(folder, 'clip.flv'), { seconds: 60, video: { gop: 25 } }));
const wide = shared(() => makeReference(path.join(folder, 'wide.flv'), { seconds: 60, video: { size: '480x270', gop: 50 } }));

const publish = publishers.ffmpeg;

/* a model publisher: 25 pictures a second with a keyframe each second, until it is silenced */
class Model {
  static async start(weir, input) {
    const model = new Model();

    model.client = await RtmpClient.publishing(weir, input);
    model.frames = 0;
    await model.client.message(6, type.video, media.avcConfig, { stream: 1, time: 0 });
    model.speak();
    return model;
  }

  send(body) {
    return this.client.message(6, type.video, body, { stream: 1, time: this.frames++ * 40 });
  }

  speak() {
    this.timer = setInterval(() => this.send(this.frames % 25 === 0 ? media.keyframe() : media.frame()), 40);
  }

  /* resolves when what was sent has come */
  silence() {
    clearInterval(this.timer);
    this.silent = performance.now();
    return this.client.settled();
  }

  close() {
    clearInterval(this.timer);
    this.client.close();
  }
}

/* what a model newcomer is told: the status' code; and when, ms */
async function ask(weir, input) {
  const client = await RtmpClient.connected(weir);
  client.setChunkSize(65536);
  client.command(0, 'createStream', 2, null);
  client.command(1, 'publish', 3, null, input.rtmp.streamKey, 'live');
  const answer = client.answer('onStatus', 20).then(({ values }) => ({ code: values[3].code, at: performance.now() }));
  answer.catch(() => {});
  return { client, answer };
}

const START = 'NetStream.Publish.Start';
const IN_USE = 'NetStream.Publish.BadName';

async function live(weir, input) {
  const model = await Model.start(weir, input);
  const { videoUID } = await weir.waitForState(input.uid, 'live');
  return { model, videoUID };
}

const takeovers = (weir, uid) => weir.process.output.split(`broadcast ${uid}: connection`).length - 1;

const takenOver = (weir, uid, count = 1) => until(`takeover ${count} of ${uid}`,
  () => takeovers(weir, uid) === count, { every: 20, seconds: 20 * count });

const end = (weir, uid) => weir.api('POST', `/live_inputs/${uid}/end`);

/* the recording is whole: its decode times go on with the durations, and jump at discontinuities only, of which there are so many */
async function checkRecording(weir, uid, breaks) {
  for (const { playlist, list } of await recordedPlaylists(weir, uid)) {
    let last = null;
    let scale = null;

    assert.ok(list.ended);
    assert.equal(list.segments.filter((s) => s.discontinuity).length, breaks, playlist);
    for (const segment of list.segments.filter((s) => !s.gap)) {
      const bytes = await weir.bytes(segment.uri);
      const time = Number(bytes.readBigUInt64BE(bytes.indexOf('tfdt') + 8));

      assert.ok(last === null || time > last.time, `${segment.uri}: decode time ${time} after ${last?.time}`);
      if (last !== null && !segment.discontinuity) {
        /* the unit is not known: it is the same all along */
        const measured = (time - last.time) / last.duration;
        scale ??= measured;
        assert.ok(Math.abs(measured / scale - 1) < 0.1, `${segment.uri}: a jump, ${measured} units a second after ${scale}`);
      }
      last = { time, duration: segment.duration };
    }
  }
}

test('a healthy encoder keeps its place, and whoever else comes is refused', async () => {
  const weir = await patientDaemon();
  const input = await weir.createInput();
  const first = publish(await clip(), input.publishUrl);
  const relay = await Relay.start(weir);
  const { videoUID } = await weir.waitForState(input.uid, 'live');

  for (let i = 0; i < 3; i++) {
    const since = performance.now();
    const { client, answer } = await ask(weir, input);
    const { code, at } = await answer;
    assert.equal(code, IN_USE);
    assert.ok(at - since < SILENCE_MS, `held for ${at - since} ms`);
    await client.end();
  }
  const second = publish(await clip(), relay.url(input));
  assert.notEqual(await second.exited, 0);
  assert.match(second.output, /already publishing/);
  await sleep(3000);
  assert.equal(first.code, undefined, first.tail());
  assert.equal(takeovers(weir, videoUID), 0);
  relay.close();
  await end(weir, input.uid);
  await checkRecording(weir, videoUID, 0);
});

for (const [name, kill] of [['falls silent', false], ['is gone without a word', true]])
  test(`an encoder that ${name} is taken over in the same broadcast, and viewers see it go on`, { seconds: 180 }, async () => {
    const weir = await daemon();
    const input = await weir.createInput();
    const relay = await Relay.start(weir);
    const next = kill ? await wide() : await clip();
    const first = publish(await clip(), relay.url(input));
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const player = await play(weir, input.uid);

    await sleep(4000);
    relay.stall();
    if (kill)
      await first.stop('SIGKILL');
    const since = performance.now();
    const second = publish(next, input.publishUrl);
    await takenOver(weir, videoUID);
    const seconds = (performance.now() - since) / 1000;
    assert.ok(seconds > 1 && seconds < 10, `taken over after ${seconds} s`);
    const { fatal } = await player.after(14, 60);
    assert.equal(fatal, null);
    const now = await weir.lifecycle(input.uid);
    assert.equal(now.state, 'live');
    assert.equal(now.videoUID, videoUID);
    assert.equal(second.code, undefined, second.tail());
    relay.close();
    await end(weir, input.uid);
    await first.stop('SIGKILL');
    await checkRecording(weir, videoUID, 1);
  });

test('a newcomer is held until the silence shows, and told that it publishes', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const { model, videoUID } = await live(weir, input);

  await model.silence();
  await sleep(700);
  const { client, answer } = await ask(weir, input);
  const { code, at } = await answer;
  assert.equal(code, START);
  assert.ok(at - model.silent > 1800, `${at - model.silent} ms`);
  /* until its first keyframe nothing is decided */
  await client.message(6, type.video, media.avcConfig, { stream: 1, time: 0 });
  await client.message(6, type.video, media.frame(), { stream: 1, time: 0 });
  await client.settled();
  assert.equal(takeovers(weir, videoUID), 0);
  await client.message(6, type.video, media.keyframe(), { stream: 1, time: 40 });
  await takenOver(weir, videoUID);
  const { values } = await model.client.answer('onStatus');
  assert.equal(values[3].code, 'NetStream.Unpublish.Success');
  assert.match(values[3].description, /[Tt]aken over/);
  await model.client.end();
  client.close();
});

test('an encoder that sends again keeps its place, and the one that was held is refused', async () => {
  const weir = await patientDaemon();
  const input = await weir.createInput();
  const { model, videoUID } = await live(weir, input);

  await model.silence();
  const { answer } = await ask(weir, input);
  await sleep(1000);
  model.speak();
  assert.equal((await answer).code, IN_USE);
  await sleep(1000);
  assert.equal(model.client.closed, false);
  assert.equal(takeovers(weir, videoUID), 0);
  model.close();
});

test('one newcomer is held at a time, and its place is free when it leaves', async () => {
  const weir = await patientDaemon();
  const input = await weir.createInput();
  const { model } = await live(weir, input);

  await model.silence();
  const first = await ask(weir, input);
  await sleep(200);
  const second = await ask(weir, input);
  assert.equal((await second.answer).code, IN_USE);
  assert.ok(performance.now() - model.silent < SILENCE_MS);
  first.client.close();
  await sleep(200);
  const third = await ask(weir, input);
  assert.equal((await third.answer).code, START);
  third.client.close();
  model.close();
});

test('an encoder that leaves makes room for the newcomer at once', async () => {
  const weir = await patientDaemon();
  const input = await weir.createInput();
  const { model, videoUID } = await live(weir, input);

  await model.silence();
  const { client, answer } = await ask(weir, input);
  await sleep(300);
  model.close();
  const { code, at } = await answer;
  assert.equal(code, START);
  assert.ok(at - model.silent < SILENCE_MS, `${at - model.silent} ms`);
  assert.equal((await weir.lifecycle(input.uid)).videoUID, videoUID);
  client.close();
});

test('a newcomer that sends no keyframe goes, if the encoder before it sends again', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const { model, videoUID } = await live(weir, input);

  await model.silence();
  const { client, answer } = await ask(weir, input);
  assert.equal((await answer).code, START);
  model.speak();
  await client.message(6, type.video, media.avcConfig, { stream: 1, time: 0 });
  for (let i = 0; !client.closed && i < 300; i++) {
    await client.message(6, type.video, media.frame(), { stream: 1, time: i * 40 });
    await sleep(40);
  }
  assert.ok(client.closed, 'it may go on');
  assert.match(client.said(), /No keyframe/);
  assert.equal(model.client.closed, false, model.client.said());
  const { state, videoUID: now } = await weir.lifecycle(input.uid);
  assert.equal(`${state} ${now}`, `live ${videoUID}`);
  assert.equal(takeovers(weir, videoUID), 0);
  model.close();
});

test('sound alone takes over, too', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const { model, videoUID } = await live(weir, input);

  await model.silence();
  const { client, answer } = await ask(weir, input);
  assert.equal((await answer).code, START);
  await client.message(4, type.audio, media.aacConfig, { stream: 1, time: 0 });
  for (let i = 0; takeovers(weir, videoUID) === 0; i++) {
    assert.ok(i < 250, 'it is not let in');
    await client.message(4, type.audio, media.sound, { stream: 1, time: i * 21 });
    await sleep(21);
  }
  client.close();
});

test('a held newcomer is refused when the key is replaced', async () => {
  const weir = await patientDaemon();
  const input = await weir.createInput();
  const { model } = await live(weir, input);

  await model.silence();
  const { answer } = await ask(weir, input);
  await weir.api('POST', `/live_inputs/${input.uid}/rotate_keys`);
  const { code, at } = await answer;
  assert.equal(code, 'NetStream.Publish.Denied');
  assert.ok(at - model.silent < SILENCE_MS);
  await model.client.end();
  model.close();
});

test('of two that come at the same moment one publishes', async () => {
  const weir = await daemon();

  for (let i = 0; i < 5; i++) {
    const input = await weir.createInput();
    const both = await Promise.all([ask(weir, input), ask(weir, input)]);
    const first = await Promise.race(both.map(async (one) => {
      assert.equal((await one.answer).code, START);
      return one;
    }));
    const other = both.find((one) => one !== first);
    await first.client.message(6, type.video, media.avcConfig, { stream: 1, time: 0 });
    for (let j = 0; !other.told && j < 50; j++) {
      other.answer.then(({ code }) => (other.told = code));
      await first.client.message(6, type.video, media.keyframe(), { stream: 1, time: j * 40 });
      await sleep(40);
    }
    assert.equal(other.told, IN_USE);
    first.client.close();
  }
});

test('an encoder that comes back after its broadcast was ended begins another one', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const encoder = new ReturningEncoder(await clip(), input.publishUrl);
  const { videoUID } = await weir.waitForState(input.uid, 'live');

  assert.equal((await end(weir, input.uid)).videoUID, videoUID);
  const next = await until('another broadcast', async () => {
    const now = await weir.lifecycle(input.uid);
    return now.state === 'live' && now.videoUID !== videoUID ? now.videoUID : null;
  });
  assert.notEqual(next, videoUID);
  assert.equal(takeovers(weir, videoUID), 0);
  await encoder.stop('SIGKILL');
  await end(weir, input.uid);
  await checkRecording(weir, videoUID, 0);
});

test('a takeover is told as an event, with who publishes from now on', async () => {
  const weir = await daemon();
  const input = await weir.createInput();
  const { model, videoUID } = await live(weir, input);

  await model.silence();
  const { client, answer } = await ask(weir, input);
  assert.equal((await answer).code, START);
  await client.message(6, type.video, media.avcConfig, { stream: 1, time: 0 });
  await client.message(6, type.video, media.keyframe(), { stream: 1, time: 0 });
  await takenOver(weir, videoUID);
  const told = await until('the event', async () => {
    const { events } = await weir.api('GET', '/events?limit=1000&type=broadcast.taken_over');
    return events.find(({ broadcast }) => broadcast === videoUID);
  });
  assert.equal(told.data.address, client.local);
  assert.equal(told.data.protocol, 'rtmp');
  client.close();
  model.close();
});

test('the newest comes first if that is wanted, but two that fight are damped', { seconds: 120 }, async () => {
  await withWeir({ options: { 'recording.takeover': 'always', 'recording.timeout': '20s' } }, async (weir) => {
    const input = await weir.createInput();
    const first = new ReturningEncoder(await clip(), input.publishUrl);
    const { videoUID } = await weir.waitForState(input.uid, 'live');
    const viewer = new Viewer(weir, input.uid);
    const relay = await Relay.start(weir);
    const since = performance.now();
    const second = new ReturningEncoder(await clip(), relay.url(input));

    await takenOver(weir, videoUID, 3);
    const seconds = (performance.now() - since) / 1000;
    /* at once, after 10 s, after 20 s more */
    assert.ok(seconds > 28, `three swaps in ${seconds} s`);
    assert.ok(first.count + second.count > 6, 'nobody fights');
    assert.equal(await metric(weir, 'weir_ingest_takeovers_total'), 3);
    assert.ok(await metric(weir, 'weir_refusals_total{reason="takeover-damped"}') > 0);
    await Promise.all([first.stop('SIGKILL'), second.stop('SIGKILL')]);
    relay.close();
    await end(weir, input.uid);
    await viewer.stop();
    await checkRecording(weir, videoUID, 3);
  });
});
