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

/* .SH ELEMENT: name → { its .SS: text } */
export function manSections() {
  const sections = read('data/man/weir-elements.7').split(/^\.SH /m).slice(1);

  return new Map(sections.filter((section) => /^WEIR/.test(section)).map((section) => {
    const parts = section.split(/^\.SS /m);
    return [parts[0].split('\n')[0].toLowerCase(), Object.fromEntries(parts.slice(1).map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1).replace(/\\f[A-Z]/g, '').replace(/\\(.)/g, '$1')];
    }))];
  }));
}

/* .SS Example, .nf … .fi */
export const manCommands = () => new Map([...manSections()].map(([name, parts]) =>
  [name, trim(/^\.nf\n([^]*?)^\.fi$/m.exec(parts.Example ?? '')?.[1] ?? '')]));

/* property → its default, "none" without one: as gst-inspect-1.0 says, and as the man page says */
export function inspectedProperties(output) {
  const [, properties] = /^Element Properties:\n([^]*?)(?=^\S|(?![^]))/m.exec(output);
  const blocks = properties.split(/\n(?= {2}\S)/).map((block) => [block.trim().split(/\s/)[0], block]);

  return Object.fromEntries(blocks.filter(([name]) => !['name', 'parent', 'stats'].includes(name)).map(([name, block]) =>
    [name, (/Default: (.*)/.exec(block)?.[1] ?? 'none').trim().replace(/^"(.*)"$/, '$1').replace(/^null$/, 'none')]));
}

export const manProperties = (parts) => Object.fromEntries([
  ...[...parts.Properties.matchAll(/([a-z-]+) " \(([^)]+)\)/g)].map(([, name, value]) => [name, value]),
  ...[...parts.Properties.matchAll(/^\.TP\n\.B ([a-z-]+)$/gm)].map(([, name]) => [name, 'none']),
]);

/* the fields of `stats` */
export const inspectedStatistics = (output) => [.../^ {2}stats [^]*?(?=^ {2}\S|^$\n^$|^\S)/m.exec(output)[0]
  .matchAll(/^ {22,}([a-z-]+): \S/gm)].map((m) => m[1]).filter((name) => name !== 'flags');

/* the names of pad templates */
export const inspectedPads = (output) => [...output.matchAll(/^ {2}(?:SRC|SINK) template: '(.*)'$/gm)].map((m) => m[1]).sort();
export const manPads = (parts) => [...parts.Pads.matchAll(/^\.TP\n\.BR (.*) " \(/gm)].flatMap((m) => m[1].match(/[a-z]\w*(%u)?/g)).sort();

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

/* the commands for ffmpeg that doc/encoders.md gives, with another file and address */
export const encoderCommands = (file, url) => [...read('data/doc/encoders.md').matchAll(/^```sh\n(ffmpeg [^`]*)\n```$/gm)]
  .map(([, command]) => command.replace('FILE', `'${file}'`).replace('rtmp://HOST:1935/live/KEY', `'${url}'`));

/* what doc/encoders.md has in the first columns of its tables, `name`s */
export const encoderNames = () => new Set([...read('data/doc/encoders.md').matchAll(/^\| (`[^|]*)\|/gm)]
  .flatMap(([, cell]) => [...cell.matchAll(/`([^`]*)`/g)].map((m) => m[1])));
