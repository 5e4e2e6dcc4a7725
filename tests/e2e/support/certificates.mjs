// SPDX-License-Identifier: LGPL-2.1-or-later
// An authority of our own, and certificates that it signs.

import { X509Certificate, createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { run } from './process.mjs';

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Authority {
  static async make(folder) {
    const authority = new Authority();

    authority.folder = folder;
    authority.file = path.join(folder, 'authority.crt');
    authority.key = path.join(folder, 'authority.key');
    await run('openssl', ['req', '-x509', ...KEY, '-days', '2', '-subj', '/CN=Test authority', '-keyout', authority.key, '-out', authority.file]);
    return authority;
  }

  /* writes NAME.crt and NAME.key into the folder; names: 'DNS:a.example,IP:127.0.0.1' */
  async sign(folder, name, names, { days = 1 } = {}) {
    const work = fs.mkdtempSync(path.join(this.folder, 'sign-'));
    const request = path.join(work, 'csr');
    const extensions = path.join(work, 'extensions');
    const file = (ending) => path.join(folder, `${name}.${ending}`);

    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(extensions, `subjectAltName=${names}\n`);
    await run('openssl', ['req', '-new', ...KEY, '-subj', `/CN=${name}`, '-keyout', file('key.new'), '-out', request]);
    await run('openssl', ['x509', '-req', '-in', request, '-CA', this.file, '-CAkey', this.key, '-set_serial', `0x${randomBytes(8).toString('hex')}`,
      '-days', String(days), '-extfile', extensions, '-out', file('crt.new')]);
    for (const ending of ['key', 'crt'])
      fs.renameSync(file(`${ending}.new`), file(ending));
    return file('crt');
  }
}

/* what a browser calls the key of a certificate */
export function keyHash(file) {
  const key = new X509Certificate(fs.readFileSync(file)).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}
