// SPDX-License-Identifier: LGPL-2.1-or-later
// What the daemon holds after many encoders have come and gone.

import assert from 'node:assert/strict';
import path from 'node:path';
import { temporaryFolder } from './support/folder.mjs';
import { makeReference } from './support/media.mjs';
import { churn } from './support/memory.mjs';
import { test } from './support/test.mjs';
import { settings, withWeir } from './support/weir.mjs';

const KIB_MAX = 2048;

/* alone: what the allocator holds depends on how much happens at once */
test('1,000 connections leave memory and descriptors where they were', { alone: true, seconds: 120 }, async () => {
  const clip = await makeReference(path.join(temporaryFolder('memory'), 'small.flv'),
    { seconds: 4, video: { bframes: 0, gop: 25, size: '160x90' } });

  await withWeir({}, async (weir) => {
    const { before, after } = await churn(weir, path.join(settings.build, 'tests/bench/bench-publisher'), clip);

    assert.ok(after.memory <= before.memory + KIB_MAX, `${before.memory} KiB before, ${after.memory} KiB after`);
    assert.ok(after.descriptors <= before.descriptors, `${before.descriptors} descriptors before, ${after.descriptors} after`);
  });
});
