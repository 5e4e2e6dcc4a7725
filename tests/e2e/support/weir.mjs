// SPDX-License-Identifier: LGPL-2.1-or-later
// A daemon of our own on free ports with a fresh state directory, and its API.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Process, run } from './process.mjs';
import { shared } from './test.mjs';
import { until } from './wait.mjs';

export const settings = { weir: 'build/app/weir' };

export class Weir {
  /* options: { 'section.key': value }; state: a directory of an earlier daemon; env: its environment, beside ours;
   * shell: what a shell does before it becomes the daemon */
  static async start({ options = {}, state, env, shell } = {}) {
    const weir = new Weir();

    weir.state = state ?? fs.mkdtempSync(path.join(os.tmpdir(), 'weir-e2e-'));
    weir.keepState = state !== undefined;
    const all = {
      'server.state-dir': weir.state,
      'http.listen': '127.0.0.1:0',
      'rtmp.listen': '127.0.0.1:0',
      'recording.timeout': '1s',
      ...options,
    };
    const command = [settings.weir, 'serve', ...Object.entries(all).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
    if (shell)
      command.unshift('sh', '-c', `${shell}; exec "$0" "$@"`);
    weir.process = new Process(command[0], command.slice(1), { env });
    const [line] = await weir.process.waitFor(/^ready .*$/m, 40);
    weir.ready = line;
    weir.addresses = Object.fromEntries(line.split(' ').slice(1).map((word) => {
      const at = word.indexOf('=');
      return [word.slice(0, at), word.slice(at + 1)];
    }));
    weir.url = weir.addresses.http ? `http://${weir.address('http')}` : null;
    weir.account = fs.readFileSync(path.join(weir.state, 'account'), 'utf8').trim();
    weir.token = fs.readFileSync(path.join(weir.state, 'api-token'), 'utf8').trim();
    return weir;
  }

  /* host:port of a listener, as bound */
  address(name) {
    return this.addresses[name].split(';')[0].replace(/^[a-z]+:\/\//, '').replace(/\/.*$/, '');
  }

  async fetch(where, options) {
    try {
      return await fetch(new URL(where, this.url), options);
    } catch (error) {
      const daemon = this.process.code === undefined ? 'it runs' : `it ended with ${this.process.code}`;
      throw new Error(`${where}: ${error.cause?.message ?? error.message}; the daemon: ${daemon}\n${this.process.tail(10)}`);
    }
  }

  async text(where) {
    const response = await this.fetch(where);
    const text = await response.text();
    if (!response.ok)
      throw new Error(`GET ${where}: ${response.status} ${text.slice(0, 200)}`);
    return text;
  }

  /* GET of a body, or null on 404 */
  async bytes(where) {
    const response = await this.fetch(where);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status === 404)
      return null;
    if (!response.ok)
      throw new Error(`GET ${where}: ${response.status} ${bytes.toString('utf8', 0, 200)}`);
    return bytes;
  }

  /* the raw answer of the management API: { status, body } */
  async call(method, where, body, { token = this.token, headers = {} } = {}) {
    const response = await this.fetch(`/client/v4/accounts/${this.account}/stream${where}`, {
      method,
      headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(body !== undefined ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    let parsed = null;
    try {
      parsed = JSON.parse(text);
    } catch {
      /* the caller looks at the text */
    }
    return { status: response.status, body: parsed, text, headers: response.headers };
  }

  /* the result of a call that succeeds */
  async api(method, where, body) {
    const answer = await this.call(method, where, body);
    if (answer.status !== 200 || answer.body?.success !== true)
      throw new Error(`${method} ${where}: ${answer.status} ${answer.text.slice(0, 300)}`);
    return answer.body.result;
  }

  async createInput(body = {}) {
    const input = await this.api('POST', '/live_inputs', body);
    input.publishUrl = `rtmp://${this.address('rtmp')}/live/${input.rtmp.streamKey}`;
    return input;
  }

  async lifecycle(id) {
    return JSON.parse(await this.text(`/${id}/lifecycle`));
  }

  /* waits for one of the states, and returns the lifecycle */
  async waitForState(id, states, seconds = 40) {
    const wanted = [states].flat();
    let last;
    return until(() => `${id} is ${wanted.join(' or ')}; last: ${JSON.stringify(last)}`, async () => {
      last = await this.lifecycle(id);
      return wanted.includes(last.state) ? last : null;
    }, { seconds });
  }

  async cli(args, options = {}) {
    return run(settings.weir, args, {
      ...options, env: { WEIR_URL: this.url, WEIR_TOKEN: this.token, WEIR_ACCOUNT: this.account, ...options.env },
    });
  }

  /* SIGTERM: drains; returns the exit status */
  async stop() {
    const code = await this.process.stop('SIGTERM', 20);
    if (!this.keepState)
      fs.rmSync(this.state, { recursive: true, force: true });
    return code;
  }

  async kill() {
    return this.process.stop('SIGKILL');
  }
}

/* a daemon that the tests of one file share; its end must be clean */
export const sharedWeir = (start) => shared(() => Weir.start(start), async (weir) => {
  const code = await weir?.stop();
  if (weir && code !== 0)
    throw new Error(`the daemon ended with ${code}:\n${weir.process.tail(40)}`);
});

/* runs body(weir) and stops the daemon, whatever happens; its end must be clean */
export async function withWeir(start, body) {
  const weir = await Weir.start(start);

  try {
    await body(weir);
  } catch (error) {
    error.message += `\n--- daemon:\n${weir.process.tail(40)}`;
    await weir.process.stop('SIGTERM', 5);
    throw error;
  }
  const code = await weir.stop();
  if (code !== 0)
    throw new Error(`the daemon ended with ${code}:\n${weir.process.tail(40)}`);
}
