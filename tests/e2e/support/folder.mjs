// SPDX-License-Identifier: LGPL-2.1-or-later

import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

/* a folder that goes away with the tests, unless WEIR_KEEP is set */
/* every folder has a listener for the exit, every process too */
process.setMaxListeners(0);

export function temporaryFolder(name) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `weir-e2e-${name}-`));

  process.on('exit', () => {
    if (!process.env.WEIR_KEEP)
      fs.rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/* a TCP port that is free now, for programs that cannot tell which one they got */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
