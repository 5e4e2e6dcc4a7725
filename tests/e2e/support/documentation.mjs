// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands that the documentation gives for each element: README, man page, the element's own.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

const read = (file) => fs.readFileSync(path.join(top, file), 'utf8');
const trim = (text) => text.trim().replace(/[ \t]+$/gm, '');

/* `element`: …, then a block of shell */
export function readmeCommands() {
  return new Map([...read('README.md').matchAll(/^`(weir\w+)`: [^\n]*\n\n```sh\n([^]*?)```/gm)].map((m) => [m[1], trim(m[2])]));
}

/* .SH ELEMENT, .SS Example, .nf … .fi */
export function manCommands() {
  const sections = read('data/man/weir-elements.7').split(/^\.SH /m).slice(1);

  return new Map(sections.filter((section) => /^WEIR/.test(section)).map((section) => {
    const [, example] = /^\.SS Example\n[^]*?^\.nf\n([^]*?)^\.fi$/m.exec(section) ?? [];
    return [section.split('\n')[0].toLowerCase(), trim((example ?? '').replace(/\\(.)/g, '$1'))];
  }));
}

/* SECTION:element-…, ## Example, |[ … ]| */
export function sectionCommands() {
  const found = new Map();
  const walk = (folder) => {
    for (const entry of fs.readdirSync(path.join(top, folder), { withFileTypes: true })) {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory())
        walk(name);
      const text = /weir\w+\.c$/.test(name) ? read(name) : '';
      const [comment, element] = /\/\*\*\n \* SECTION:element-(\w+)\n[^]*?\*\//.exec(text) ?? [];
      if (comment)
        found.set(element, trim((/ \* \|\[\n([^]*?) \* \]\|/.exec(comment)?.[1] ?? '').replace(/^ \* /gm, '')));
    }
  };

  walk('elements');
  return found;
}
