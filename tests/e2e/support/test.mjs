// SPDX-License-Identifier: LGPL-2.1-or-later

export const tests = { group: '', list: [], cleanups: [] };

/**
 * test(name, body) or test(name, { seconds, alone, long, prepare }, body): one case. It fails when body throws or takes
 * longer than `seconds` (120). `alone`: after all others; true: nothing beside it; a name: beside it what other files have
 * under that name. `long`: only with --long. `prepare`: begun with the run, not awaited.
 */
export function test(name, options, body = options) {
  tests.list.push({ group: tests.group, name, seconds: 120, ...(typeof options === 'object' ? options : {}), body });
}

/* what several tests share: made by the first that asks; end(it) comes after the last test */
export function shared(make, end) {
  let made = null;

  if (end)
    tests.cleanups.push(async () => made && end(await made.catch(() => null)));
  return () => (made ??= make());
}
