// SPDX-License-Identifier: LGPL-2.1-or-later

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/* calls look() until it gives something true, and returns that */
export async function until(what, look, { seconds = 40, every = 100 } = {}) {
  const end = Date.now() + seconds * 1000;

  for (;;) {
    const found = await look();
    if (found)
      return found;
    if (Date.now() > end)
      throw new Error(`not within ${seconds} s: ${typeof what === 'function' ? what() : what}`);
    await sleep(every);
  }
}
