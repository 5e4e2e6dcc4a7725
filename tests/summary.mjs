// SPDX-License-Identifier: LGPL-2.1-or-later
// node summary.mjs testlog.junit.xml…: counts the cases of meson's results (a TAP sub-test is a case)
// and prints "PASSED FAILED"; what failed goes to stderr

import fs from 'node:fs';

let passed = 0;
let failed = 0;

for (const file of process.argv.slice(2)) {
  const xml = fs.readFileSync(file, 'utf8');
  for (const [, attributes, , body = ''] of xml.matchAll(/<testcase\b([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const name = /\bname="([^"]*)"/.exec(attributes)?.[1];
    const suite = /\bclassname="([^"]*)"/.exec(attributes)?.[1];
    if (/<(failure|error)\b/.test(body)) {
      failed++;
      console.error(`failed: ${suite}: ${name}`);
    } else if (!/<skipped\b/.test(body)) {
      passed++;
    }
  }
}
console.log(`${passed} ${failed}`);
