// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP by hand: bytes out, bytes in, nothing checked.

import net from 'node:net';

const addressOf = (weir, listener) => {
  const address = weir.address(listener);
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
};

export class RawHttp {
  /* options: listener ('http'), localAddress */
  static open(weir, { listener = 'http', localAddress } = {}) {
    const client = new RawHttp();

    client.chunks = [];
    client.bytes = 0;
    client.closed = false;
    client.watchers = new Set();
    client.socket = net.connect({ ...addressOf(weir, listener), localAddress });
    client.socket.on('data', (data) => {
      client.chunks.push(data);
      client.bytes += data.length;
      client.#wake();
    });
    client.socket.on('error', () => {});
    client.socket.on('close', () => {
      client.closed = true;
      client.#wake();
    });
    return new Promise((resolve, reject) => {
      client.socket.once('connect', () => resolve(client));
      client.socket.once('error', reject);
    });
  }

  #wake() {
    for (const watcher of [...this.watchers])
      watcher();
  }

  /* resolves when the bytes were taken, or the connection is closed */
  send(bytes) {
    return new Promise((resolve) => {
      if (this.closed)
        resolve();
      else
        this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => resolve());
    });
  }

  get text() {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  #until(what, condition, seconds) {
    return new Promise((resolve, reject) => {
      const begin = performance.now();
      const settle = (action, value) => {
        clearTimeout(timer);
        this.watchers.delete(look);
        action(value);
      };
      const timer = setTimeout(() => settle(reject,
        new Error(`not ${what} within ${seconds} s: ${JSON.stringify(this.text.slice(0, 300))}`)), seconds * 1000);
      const look = () => condition() && settle(resolve, (performance.now() - begin) / 1000);
      this.watchers.add(look);
      look();
    });
  }

  /* waits until the server has closed, which it does before any deadline; the seconds that took */
  end(seconds = 9) {
    return this.#until('closed', () => this.closed, seconds);
  }

  /* waits for bytes that match */
  match(pattern, seconds = 20) {
    return this.#until(`answered ${pattern}`, () => pattern.test(this.text), seconds);
  }

  destroy() {
    this.socket.destroy();
  }
}

/* what the server says to these bytes until it closes: { status, statuses, head, body, text }; status 0: nothing */
export async function exchange(weir, bytes, { seconds = 9, ...options } = {}) {
  const client = await RawHttp.open(weir, options);

  client.send(bytes);
  try {
    await client.end(seconds);
  } finally {
    client.destroy();
  }
  const { text } = client;
  const at = text.indexOf('\r\n\r\n');
  return {
    text,
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0),
    statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
    head: at < 0 ? text : text.slice(0, at),
    body: at < 0 ? '' : text.slice(at + 4),
  };
}
