// SPDX-License-Identifier: LGPL-2.1-or-later
// Helper of quickstart.sh:
//   node quickstart.mjs inputs URL TOKEN ACCOUNT   makes the two inputs, or finds those of last time; prints NAME=VALUE lines
//   node quickstart.mjs wait URL INPUT SECONDS     until the input's broadcast can be watched

const [command, url, ...rest] = process.argv.slice(2);

async function inputs(token, account) {
  const api = `${url}/client/v4/accounts/${account}/stream/live_inputs`;
  const call = async (method, where, body) => {
    const response = await fetch(api + where, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!answer.success)
      throw new Error(`${method} ${where}: ${answer.errors?.[0]?.message ?? response.status}`);
    return answer.result;
  };
  const { liveInputs } = await call('GET', '');

  for (const [name, title, mode] of [['demo', 'Demonstration', 'off'], ['own', 'Your encoder', 'automatic']]) {
    const known = liveInputs.find((input) => input.meta?.name === title);
    const input = known
      ? await call('GET', `/${known.uid}`)
      : await call('POST', '', { meta: { name: title }, recording: { mode } });
    const { uid, rtmp: { streamKey } } = input;

    /* they go through a shell */
    if (!/^[0-9a-f]+$/.test(uid) || !/^[0-9a-zA-Z]+$/.test(streamKey))
      throw new Error('the server answered with something that is no input');
    console.log(`${name}_uid=${uid}\n${name}_key=${streamKey}`);
  }
}

async function wait(input, seconds) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    const response = await fetch(`${url}/${input}/manifest/video.m3u8`).catch(() => null);
    if (response?.ok)
      return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`the broadcast could not be watched within ${seconds} s`);
}

try {
  if (command === 'inputs')
    await inputs(...rest);
  else
    await wait(rest[0], Number(rest[1]));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
