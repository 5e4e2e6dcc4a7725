// SPDX-License-Identifier: LGPL-2.1-or-later
// A TCP relay between an encoder and a daemon: the encoder comes from another address, and its network can fail.

import net from 'node:net';

export class Relay {
  /* from: the address that the daemon sees */
  static async start(weir, { from = '127.0.0.2', name = 'rtmp' } = {}) {
    const relay = new Relay();
    const [host, port] = weir.address(name).split(':');

    relay.stalled = false;
    relay.sockets = new Set();
    /* an end is passed on by us, or not at all */
    relay.server = net.createServer({ allowHalfOpen: true }, (encoder) => {
      const daemon = net.connect({ host, port: Number(port), localAddress: from, allowHalfOpen: true });

      relay.#pass(encoder, daemon);
      relay.#pass(daemon, encoder);
    });
    await new Promise((resolve) => relay.server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  #pass(source, sink) {
    this.sockets.add(source);
    source.on('error', () => {});
    source.on('data', (data) => !this.stalled && sink.write(data));
    source.on('end', () => !this.stalled && sink.end());
    source.on('close', () => !this.stalled && sink.destroy());
  }

  url(input) {
    return `rtmp://127.0.0.1:${this.server.address().port}/live/${input.rtmp.streamKey}`;
  }

  /* from now on nothing comes through, in either direction, not even an end */
  stall() {
    this.stalled = true;
  }

  close() {
    this.server.close();
    for (const socket of this.sockets)
      socket.destroy();
  }
}
