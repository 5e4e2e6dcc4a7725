// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks that includes go one way only:
//   node tests/include-directions.mjs               the tree
//   node tests/include-directions.mjs --self-test   that each rule finds what breaks it
//
// - a core takes bytes and time and gives bytes and events: GLib, its own folder, base/ and codec/ only
// - base/ is GLib only; net/ knows no protocol
// - elements/ never includes app/; app/ includes the public headers of elements/ only
// - headers that are installed include only such headers, relative to themselves
// - within app/ only broadcast/ and output/ see GStreamer, only store/ sees a database, only http/ the HTTP server

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CORES = [
  /^elements\/(base|codec|mpegts)\//,
  /^elements\/rtmp\/(amf|chunk|handshake|message|session|settings|flvtag|metadata)\./,
  /^elements\/srt\/streamid\./,
  /^elements\/webrtc\/(stun|ice|sdp|rtp)\./,
  /^elements\/timeline\/(health|timeline)\./,
  /^elements\/segment\/(box|init|fragment|label|segmenter|check)\./,
];
/* the headers that app/ must not know; segment/box.h is public: recovery walks the boxes of a torn segment */
const PRIVATE = [
  /^elements\/rtmp\/(amf|chunk|handshake|session|flvtag|metadata)\.h$/,
  /^elements\/segment\/fragment\.h$/,
  /^elements\/codec\/(?!codec\.h$)/,
  /^elements\/gst\//,
];
const CORE_SYSTEM = /^(glib\.h|glib\/.*|gio\/gio\.h|math\.h|string\.h|stdio\.h|stdlib\.h|stdint\.h|limits\.h|errno\.h)$/;
const IO_SYSTEM = /^(gio\/|sys\/|unistd\.h|fcntl\.h|netinet\/|arpa\/|netdb\.h|poll\.h|time\.h|gst\/)/;

const match = (patterns, name) => patterns.some((p) => p.test(name));

function includes(text) {
  const found = [];
  text.split('\n').forEach((line, index) => {
    const m = /^\s*#\s*include\s*(<([^>]+)>|"([^"]+)")/.exec(line);
    if (m)
      found.push({ line: index + 1, system: m[2], local: m[3] });
  });
  return found;
}

/* the headers that are installed, as elements/meson.build lists them */
function publicHeaders(files) {
  const list = /weir_public_headers = files\(([^)]*)\)/.exec(files.get('elements/meson.build') ?? '');

  return new Set([...(list?.[1] ?? '').matchAll(/'([^']+)'/g)].map(([, name]) => `elements/${name}`));
}

/* as the compiler finds it: beside the file, then below elements/ and app/ */
function resolve(files, from, name) {
  const below = from.startsWith('app/') ? ['app', 'elements'] : ['elements', 'app'];
  return [path.posix.dirname(from), ...below]
    .map((folder) => path.posix.join(folder, name))
    .find((candidate) => files.has(candidate));
}

/* the chain of includes by which a file reaches a system header, or null */
function reaches(files, start, pattern, allowed) {
  const queue = [[start]];
  const seen = new Set([start]);

  while (queue.length > 0) {
    const chain = queue.shift();
    const file = chain[chain.length - 1];
    for (const { system, local } of includes(files.get(file))) {
      if (system && pattern.test(system))
        return [...chain, `<${system}>`];
      const target = local && resolve(files, file, local);
      if (target && !seen.has(target) && !allowed.test(target)) {
        seen.add(target);
        queue.push([...chain, target]);
      }
    }
  }
  return null;
}

export function check(files) {
  const faults = [];
  const installed = publicHeaders(files);

  for (const [file, text] of files) {
    if (file.endsWith('.build'))
      continue;
    const folder = file.split('/').slice(0, 2).join('/');
    const core = match(CORES, file);

    for (const { line, system, local } of includes(text)) {
      const fault = (why) => faults.push(`${file}:${line}: ${why}`);
      const target = local && resolve(files, file, local);

      if (installed.has(file) && local && !installed.has(path.posix.join(path.posix.dirname(file), local)))
        fault(`an installed header includes "${local}", which is not found from where it is installed: ` +
          'write it relative to this file, and list it in elements/meson.build');
      if (core && system && (IO_SYSTEM.test(system) || !CORE_SYSTEM.test(system)))
        fault(`a core includes <${system}>: cores see GLib only; move what needs it into the shell around the core`);
      if (core && target) {
        const there = target.split('/').slice(0, 2).join('/');
        const allowed = folder === 'elements/base' ? ['elements/base'] : [folder, 'elements/base', 'elements/codec'];
        if (!allowed.includes(there))
          fault(`a core includes "${local}": cores include their own folder, base/ and codec/ only`);
        else if (there === folder && !match(CORES, target))
          fault(`a core includes "${local}", which is not a core`);
      }
      if (folder === 'elements/net' && target && !/^elements\/(net|base)\//.test(target))
        fault(`net/ includes "${local}": net/ knows no protocol`);
      if (file.startsWith('elements/') && target?.startsWith('app/'))
        fault(`elements/ includes "${local}" of app/: what the app needs to say goes through a function or a signal`);
      if (file.startsWith('app/') && target && match(PRIVATE, target))
        fault(`app/ includes "${local}": not a public header of elements/`);
      if (file.startsWith('app/') && system?.startsWith('sqlite3') && folder !== 'app/store')
        fault(`only store/ sees SQL; ask the store's interface`);
      if (file.startsWith('app/') && system?.startsWith('microhttpd') && folder !== 'app/http')
        fault(`only http/ sees the HTTP server; answer with http/http.h`);
    }
    if (file.startsWith('app/') && !/^app\/(broadcast|output)\//.test(file)) {
      const chain = reaches(files, file, /^gst\//, /^app\/(broadcast|output)\/.*\.c$/);
      if (chain)
        faults.push(`${file}: within app/ only broadcast/ and output/ see GStreamer: ${chain.slice(1).join(' → ')}`);
    }
  }
  return faults;
}

function read_tree(top) {
  const files = new Map();
  const walk = (folder) => {
    for (const entry of fs.readdirSync(path.join(top, folder), { withFileTypes: true })) {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory())
        walk(name);
      else if (/\.[ch]$/.test(entry.name) || name === 'elements/meson.build')
        files.set(name, fs.readFileSync(path.join(top, name), 'utf8'));
    }
  };
  ['elements', 'app'].forEach(walk);
  return files;
}

function self_test() {
  const good = {
    'elements/base/reader.h': '#include <glib.h>\n',
    'elements/codec/codec.h': '#include <glib.h>\n#include "base/reader.h"\n',
    'elements/codec/avc.h': '#include "codec/codec.h"\n',
    'elements/net/worker.h': '#include <glib.h>\n',
    'elements/rtmp/chunk.h': '#include "base/reader.h"\n',
    'elements/rtmp/chunk.c': '#include "chunk.h"\n#include <string.h>\n',
    'elements/meson.build': "weir_public_headers = files(\n  'net/worker.h',\n  'rtmp/listener.h',\n)\n",
    'elements/rtmp/connection.h': '#include "net/worker.h"\n',
    'elements/rtmp/listener.h': '#include "../net/worker.h"\n',
    'elements/rtmp/connection.c': '#include "connection.h"\n#include "chunk.h"\n#include <sys/socket.h>\n',
    'elements/segment/weirsegmentsink.h': '#include <gst/gst.h>\n',
    'app/broadcast/manager.h': '#include "net/worker.h"\n',
    'app/broadcast/pipeline.c': '#include "segment/weirsegmentsink.h"\n#include <gst/gst.h>\n',
    'app/api/api.c': '#include "broadcast/manager.h"\n',
    'app/store/sqlite.c': '#include <sqlite3.h>\n',
    'app/http/server.c': '#include <microhttpd.h>\n',
  };
  const wrong = [
    ['a core that opens sockets', 'elements/rtmp/chunk.c', '#include <sys/socket.h>\n'],
    ['a core that knows GStreamer', 'elements/timeline/timeline.c', '#include <gst/gst.h>\n'],
    ['a core that includes another protocol', 'elements/segment/box.c', '#include "rtmp/chunk.h"\n'],
    ['a core that includes its shell', 'elements/rtmp/session.c', '#include "connection.h"\n'],
    ['base that knows a codec', 'elements/base/gopqueue.c', '#include "codec/codec.h"\n'],
    ['net that knows a protocol', 'elements/net/worker.c', '#include "rtmp/connection.h"\n'],
    ['an element that includes the app', 'elements/rtmp/listener.c', '#include "broadcast/manager.h"\n'],
    ['the app with a private header', 'app/api/more.c', '#include "rtmp/chunk.h"\n'],
    ['the app with one codec', 'app/broadcast/more.c', '#include "codec/avc.h"\n'],
    ['GStreamer outside broadcast/', 'app/api/more.c', '#include <gst/gst.h>\n'],
    ['GStreamer through a header', 'app/metrics/more.c', '#include "segment/weirsegmentsink.h"\n'],
    ['an installed header that needs one that is not', 'elements/rtmp/listener.h', '#include "connection.h"\n'],
    ['an installed header that names another from the top', 'elements/rtmp/listener.h', '#include "net/worker.h"\n'],
    ['SQL outside store/', 'app/api/more.c', '#include <sqlite3.h>\n'],
    ['the HTTP server outside http/', 'app/api/more.c', '#include <microhttpd.h>\n'],
  ];
  let failed = 0;

  const clean = check(new Map(Object.entries(good)));
  if (clean.length > 0) {
    failed++;
    console.error(`a clean tree is refused:\n  ${clean.join('\n  ')}`);
  }
  for (const [name, file, text] of wrong) {
    if (check(new Map([...Object.entries(good), [file, text]])).length !== 1) {
      failed++;
      console.error(`not found, or not once: ${name}`);
    }
  }
  return failed;
}

if (process.argv[2] === '--self-test') {
  process.exit(self_test() > 0 ? 1 : 0);
} else {
  const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
  const faults = check(read_tree(top));
  faults.forEach((line) => console.error(line));
  process.exit(faults.length > 0 ? 1 : 0);
}
