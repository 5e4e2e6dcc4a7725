// SPDX-License-Identifier: LGPL-2.1-or-later
// node run.mjs [--weir PROGRAM] [--only NAME] [--long] [--summary FILE]: runs the end-to-end tests.
// Tests run side by side, since most of them wait for real time to pass, as many as two cores bear; those
// that measure time or load the machine come afterwards, one by one, or a file beside another (`alone`).

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { killAll } from './support/process.mjs';
import { tests } from './support/test.mjs';
import { settings } from './support/weir.mjs';

const TOGETHER = 7;
const here = path.dirname(fileURLToPath(import.meta.url));
const options = { only: '', long: false, summary: null };

for (let args = process.argv.slice(2); args.length > 0; args.shift()) {
  if (args[0] === '--weir') settings.weir = args[1], args.shift();
  else if (args[0] === '--only') options.only = args[1], args.shift();
  else if (args[0] === '--summary') options.summary = args[1], args.shift();
  else if (args[0] === '--long') options.long = true;
  else {
    console.error(`unknown option ${args[0]}`);
    process.exit(2);
  }
}
settings.weir = path.resolve(settings.weir);
settings.build = path.dirname(path.dirname(settings.weir));
settings.long = options.long;

for (const file of fs.readdirSync(here).filter((name) => name.endsWith('.test.mjs')).sort()) {
  tests.group = file.replace(/\.test\.mjs$/, '');
  await import(path.join(here, file));
}

/* the message, and where in the tests it happened */
function tell(error) {
  const lines = String(error.stack ?? error).split('\n')
    .filter((line) => !/^ +at /.test(line) || /\.test\.mjs/.test(line));
  return lines.join('\n').replace(/^/gm, '      ');
}

let passed = 0;
let failed = 0;

process.on('unhandledRejection', (error) => {
  failed++;
  console.log(`   FAILED outside any test\n${tell(error)}`);
});

async function runOne(test) {
  const begin = performance.now();
  const took = () => `${((performance.now() - begin) / 1000).toFixed(1)} s`;
  const name = `${test.group}: ${test.name}`;
  let timer;

  try {
    await Promise.race([
      test.body(),
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not finished after ${test.seconds} s`)), test.seconds * 1000);
      }),
    ]);
    passed++;
    console.log(`   ok ${name} (${took()})`);
  } catch (error) {
    failed++;
    console.log(`   FAILED ${name} (${took()})\n${tell(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

const chosen = tests.list.filter((test) =>
  `${test.group}: ${test.name}`.includes(options.only) && (options.long || !test.long));
/* those that may take long begin first, so that none of them is left over at the end */
const together = chosen.filter((test) => !test.alone).sort((a, b) => b.seconds - a.seconds);

for (const test of chosen)
  test.prepare?.();
await Promise.all(Array.from({ length: TOGETHER }, async () => {
  while (together.length > 0)
    await runOne(together.shift());
}));
/* name or test → group → its tests in order */
const alone = new Map();
for (const test of chosen.filter((t) => t.alone)) {
  const key = test.alone === true ? test : test.alone;
  const groups = alone.get(key) ?? new Map();
  alone.set(key, groups.set(test.group, [...groups.get(test.group) ?? [], test]));
}
for (const groups of alone.values())
  await Promise.all([...groups.values()].map(async (list) => {
    for (const test of list)
      await runOne(test);
  }));
for (const end of tests.cleanups) {
  try {
    await end();
  } catch (error) {
    failed++;
    console.log(`   FAILED at the end\n${String(error.message).replace(/^/gm, '      ')}`);
  }
}
killAll();
if (options.summary)
  fs.writeFileSync(options.summary, `${passed} ${failed}\n`);
else
  console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
