// SPDX-License-Identifier: LGPL-2.1-or-later
// Daemon and encoders are killed at random moments while somebody follows the events: what was told to be committed is in the recording
// at the end, as it was when it was told. WEIR_SEED repeats a run.

import assert from 'node:assert/strict';
import path from 'node:path';
import { LiveEncoder, makeClip, sha256 } from './support/encoder.mjs';
import { temporaryFolder } from './support/folder.mjs';
import { recordedPlaylists } from './support/hls.mjs';
import { checkRecording, startAgain } from './support/restart.mjs';
import { test } from './support/test.mjs';
import { sleep, until } from './support/wait.mjs';
import { settings, Weir } from './support/weir.mjs';

const BROADCASTS = 4;
/* ms between two kills, from and to */
const PAUSE_MS = [200, 1400];
/* of what is killed, one in so many is the daemon, with all broadcasts on it; else one encoder */
const DAEMON_SHARE = 2;
const options = { 'segments.duration': '1s', 'recording.timeout': '60s', 'recording.clean-stop-timeout': '1s' };

/* numbers from 0 to 1 (mulberry32) */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/* an encoder that comes back whenever it is lost, until stop(); it begins its clip again when that is over */
class Returning {
  constructor(weir, input, clip) {
    this.encoder = new LiveEncoder(weir, input, clip);
    this.length = clip.tags.at(-1).time - 2000;
    this.stopped = false;
    this.returns = 0;
    this.done = this.#run();
    this.done.catch(() => {});
  }

  async #run() {
    const { encoder } = this;

    do {
      await encoder.connect({ seconds: 60, position: encoder.position % this.length });
      this.returns++;
      /* a clip that is over is one that is lost */
      while (!this.stopped && !encoder.client.closed && encoder.position < this.length)
        await sleep(20);
      if (!this.stopped)
        encoder.leave();
      /* one that was killed as the last thing comes back to end as it should */
    } while (!this.stopped || encoder.client.closed);
    await encoder.stop();
  }

  kill() {
    this.encoder.client?.close();
  }

  stop() {
    this.stopped = true;
    return this.done;
  }
}

/* reads segment.committed events by their cursor, whether there is a daemon or not, and fetches what they tell of at once */
class Follower {
  constructor() {
    this.cursor = 0;
    this.seen = new Map(); // broadcast → [{ number, epoch, hash }] as they were told of
    this.stopped = false;
  }

  start(weir) {
    this.weir = weir;
    this.done = this.#follow();
    this.done.catch(() => {});
    return this;
  }

  /* the answer, or null when the daemon is not there, or was killed in the middle */
  async #get(where, headers = {}) {
    try {
      const response = await fetch(new URL(where, this.weir.url), { headers });
      return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
    } catch {
      return null;
    }
  }

  async #segment(where) {
    for (;;) {
      const answer = await this.#get(where);
      /* a daemon that has just begun may not have read all of it yet, but never denies it */
      assert.ok(answer === null || answer.status === 200, `${where}, which was committed: ${answer?.status}`);
      if (answer !== null)
        return answer.bytes;
      await sleep(50);
    }
  }

  async #look() {
    const answer = await this.#get(`/client/v4/accounts/${this.weir.account}/stream/events?after=${this.cursor}&limit=1000&type=segment.committed`,
      { Authorization: `Bearer ${this.weir.token}` });
    if (answer === null)
      return;
    assert.equal(answer.status, 200, answer.bytes.toString());
    const { result } = JSON.parse(answer.bytes);
    assert.ok(result.cursor >= this.cursor, `the cursor went from ${this.cursor} to ${result.cursor}`);
    for (const { sequence, broadcast, data: { epoch, number } } of result.events) {
      assert.ok(sequence > this.cursor, `event ${sequence} came after ${this.cursor}`);
      this.cursor = sequence;
      const bytes = await this.#segment(`/${broadcast}/segments/${epoch}-${number}.m4s`);
      const told = this.seen.get(broadcast) ?? [];
      assert.ok(told.every((other) => other.number !== number), `segment ${number} of ${broadcast} was told of twice`);
      this.seen.set(broadcast, [...told, { number, epoch, hash: sha256(bytes) }]);
    }
    this.cursor = Math.max(this.cursor, result.cursor);
  }

  async #follow() {
    while (!this.stopped) {
      await this.#look();
      await sleep(100);
    }
    await this.#look();
  }

  async stop() {
    this.stopped = true;
    await this.done;
  }
}

/* all that was told of, and nothing else, is in the recording, in order, byte by byte */
async function checkAllThere(weir, uid, told, name) {
  const name0 = path.join(name, uid);
  await checkRecording(weir, uid, name0);
  const [{ list }] = await recordedPlaylists(weir, uid);
  const listed = list.segments.map(({ uri }) => /segments\/(\d+)-(\d+)\//.exec(uri).slice(1).map(Number));

  listed.slice(1).forEach(([epoch, number], i) =>
    assert.ok(number > listed[i][1] && epoch >= listed[i][0], `${uid}: ${epoch}-${number} after ${listed[i].join('-')}`));
  const committed = [...told].sort((a, b) => a.number - b.number);
  assert.deepEqual(listed.map((one) => one.join('-')), committed.map(({ epoch, number }) => `${epoch}-${number}`), `${uid}: listed, and told of`);
  for (const { epoch, number, hash } of committed) {
    const bytes = await weir.bytes(`/${uid}/segments/${epoch}-${number}.m4s`);
    assert.ok(bytes, `${uid}: ${epoch}-${number} was told of and is gone`);
    assert.equal(sha256(bytes), hash, `${uid}: ${epoch}-${number} is not what it was`);
  }
}

const kills = settings.long ? 200 : 20;

test(`what was told to be committed survives ${kills} random kills`, { seconds: settings.long ? 900 : 150 }, async () => {
  const folder = temporaryFolder('kills');
  const clip = await makeClip(path.join(folder, 'clip.flv'), { seconds: 30 });
  const seed = Number(process.env.WEIR_SEED ?? Date.now() % 1_000_000);
  const next = random(seed);
  const counts = { daemon: 0, encoder: 0 };
  console.log(`   kills: WEIR_SEED=${seed}`);

  let weir = await Weir.start({ state: path.join(folder), options });
  try {
    const inputs = await Promise.all(Array.from({ length: BROADCASTS }, () => weir.createInput()));
    const encoders = inputs.map((input) => new Returning(weir, input, clip));
    const lives = await Promise.all(inputs.map((input) => weir.waitForState(input.uid, 'live')));
    const follower = new Follower().start(weir);

    for (let i = 0; i < kills; i++) {
      await Promise.race([sleep(PAUSE_MS[0] + next() * (PAUSE_MS[1] - PAUSE_MS[0])), follower.done, ...encoders.map(({ done }) => done)]);
      const what = Math.floor(next() * DAEMON_SHARE * BROADCASTS);
      if (what < BROADCASTS) {
        counts.encoder++;
        encoders[what].kill();
      } else {
        counts.daemon++;
        await weir.kill();
        weir = follower.weir = await startAgain(weir, options);
      }
    }
    for (const [i, { videoUID }] of lives.entries())
      assert.equal((await weir.waitForState(inputs[i].uid, 'live')).videoUID, videoUID, 'another broadcast');
    await Promise.all(encoders.map((encoder) => encoder.stop()));
    await Promise.all(lives.map(({ videoUID }) => weir.waitForState(videoUID, 'ready', 60)));
    await until('the last events', () => follower.cursor > 0);
    await follower.stop();
    assert.deepEqual([...follower.seen.keys()].sort(), lives.map(({ videoUID }) => videoUID).sort());
    for (const [uid, told] of follower.seen)
      await checkAllThere(weir, uid, told, folder);
    const total = [...follower.seen.values()].reduce((sum, { length }) => sum + length, 0);
    assert.ok(total > kills, `${total} segments`);
    console.log(`   kills: ${counts.daemon} of the daemon, ${counts.encoder} of encoders, ${total} segments of ${BROADCASTS} broadcasts`);
  } catch (error) {
    error.message += `\nWEIR_SEED=${seed}\n--- daemon:\n${weir.process.tail(40)}`;
    throw error;
  } finally {
    assert.equal(await weir.stop(), 0, weir.process.tail(40));
  }
});
