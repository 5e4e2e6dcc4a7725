// SPDX-License-Identifier: LGPL-2.1-or-later
// A disk that blocks or fails when it is told to, for what is started with its environment.

import fs from 'node:fs';
import path from 'node:path';
import { settings } from './weir.mjs';

export class FaultyDisk {
  /* name: of a file that may be made; state: the daemon's state directory, made here */
  constructor(name, state) {
    this.control = `${name}.fault`;
    this.state = state;
    this.env = { LD_PRELOAD: path.join(settings.build, 'tests/support/libfaultydisk.so'), WEIR_FAULTY_DISK: this.control };
    fs.mkdirSync(state, { recursive: true });
  }

  /* fault: see tests/support/faultydisk.c; where: below the state directory */
  fail(fault, where = '') {
    fs.writeFileSync(`${this.control}.new`, `${fault} ${path.join(this.state, where)}`);
    fs.renameSync(`${this.control}.new`, this.control);
  }

  heal() {
    fs.rmSync(this.control, { force: true });
  }
}
