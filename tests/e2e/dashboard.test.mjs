// SPDX-License-Identifier: LGPL-2.1-or-later
// The dashboard in a real browser, as who runs the server uses it.

import assert from 'node:assert/strict';
import { watchVideo, openBrowser } from './support/browser.mjs';
import { Process } from './support/process.mjs';
import { test } from './support/test.mjs';
import { until } from './support/wait.mjs';
import { withWeir } from './support/weir.mjs';

const HOSTILE = '<img src=x onerror="window.hacked=1"></h3><script>window.hacked=1</script>\'"&amp;';

const publish = (url, gop = 50) => new Process('ffmpeg', ['-v', 'error', '-re',
  '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
  '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', String(gop), '-b:v', '300k', '-threads', '1',
  '-c:a', 'aac', '-b:a', '64k', '-f', 'flv', url]);

/* runs body(page, context); what the page's policy or its scripts stumble over is a failure */
async function withDashboard(weir, body) {
  const context = await openBrowser();
  const violations = [];

  try {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: weir.url });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (/Content.Security.Policy/i.test(message.text()))
        violations.push(message.text());
    });
    page.on('pageerror', (error) => violations.push(error.message));
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(weir.url);
    await body(page, context);
    assert.deepEqual(violations, []);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  } finally {
    await context.close();
  }
}

async function logIn(page, weir) {
  await page.getByLabel('Token', { exact: true }).fill(weir.token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Live inputs' }).waitFor();
}

const cardOf = (page, uid) => page.locator(`article[data-uid="${uid}"]`);
const waitForState = (page, uid, state) => page.locator(`article[data-uid="${uid}"][data-state="${state}"]`).waitFor({ timeout: 30_000 });

test('only a token lets in, and it is forgotten with the log-out', async () => {
  await withWeir({}, async (weir) => {
    await withDashboard(weir, async (page) => {
      await page.getByLabel('Token', { exact: true }).fill('wrong');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('This token is not accepted.').waitFor();
      assert.ok(await page.locator('#desk').isHidden());

      await logIn(page, weir);
      await page.reload();
      await page.getByRole('heading', { name: 'Live inputs' }).waitFor();
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByRole('button', { name: 'Log in' }).waitFor();
      assert.equal(await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])), '[{},{},""]');
      await page.reload();
      assert.ok(await page.locator('#desk').isHidden());
    });
  });
});

test('the token of an account sees that account', async () => {
  await withWeir({}, async (weir) => {
    const call = async (where, body) => (await (await weir.fetch(`/client/v4${where}`, {
      method: 'POST', headers: { Authorization: `Bearer ${weir.token}` }, body: JSON.stringify(body),
    })).json()).result;
    const account = await call('/accounts', { name: 'another' });
    const token = await call(`/accounts/${account.id}/tokens`, { name: 'reader', access: 'read' });

    await weir.createInput({ meta: { name: 'of the home account' } });
    await withDashboard(weir, async (page) => {
      await page.getByLabel('Token', { exact: true }).fill(token.value);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('This is the token of an account').waitFor();
      await page.getByText('The token of an account?').click();
      await page.locator('#account').fill(account.id);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('There are no live inputs yet.').waitFor();
      assert.equal(await page.getByText('of the home account').count(), 0);
      await page.getByRole('button', { name: 'New live input' }).click();
      await page.getByRole('button', { name: 'Make it' }).click();
      await page.getByText('The token may read only').waitFor();
    });
  });
});

test('an input is made, sent to, lost, recorded and watched', { seconds: 240 }, async () => {
  await withWeir({ options: { 'recording.timeout': '8s' } }, async (weir) => {
    await withDashboard(weir, async (page, context) => {
      await logIn(page, weir);
      await page.getByRole('button', { name: 'New live input' }).click();
      await page.getByLabel('Name', { exact: true }).fill('Stage');
      await page.getByRole('button', { name: 'Make it' }).click();
      await page.getByRole('heading', { name: 'Stage', exact: true }).waitFor();
      const [{ uid }] = (await weir.api('GET', '/live_inputs')).liveInputs;
      const input = await weir.api('GET', `/live_inputs/${uid}`);
      const card = cardOf(page, uid);

      /* what is copied is what the API says */
      const copied = async (label) => {
        await card.getByRole('button', { name: `Copy ${label}`, exact: true }).click();
        return page.evaluate(() => navigator.clipboard.readText());
      };
      assert.equal(await copied('Server'), input.rtmps.url ?? input.rtmp.url);
      assert.equal(await copied('Stream key'), input.rtmp.streamKey);
      assert.ok((await copied('Command')).includes(`${input.rtmp.url}${input.rtmp.streamKey}`));
      assert.equal(await copied('HLS'), input.playback.hls);
      assert.ok(!(await card.textContent()).includes(input.rtmp.streamKey), 'the key is shown unasked');
      await card.getByRole('button', { name: 'Show Stream key' }).click();
      assert.ok((await card.textContent()).includes(input.rtmp.streamKey));
      assert.equal(await card.locator('[data-copy=srt]').count(), input.srt.url ? 1 : 0);
      assert.equal(await card.locator('[data-copy=whip]').count(), input.webRTC.url ? 1 : 0);

      const encoder = publish(`rtmp://${weir.address('rtmp')}/live/${input.rtmp.streamKey}`);
      await waitForState(page, uid, 'connected');
      await card.getByText(/(kbit|Mbit)\/s/).waitFor({ timeout: 20_000 });
      await card.getByText('320 × 180').waitFor({ timeout: 20_000 });
      await until('a committed segment', async () => (await weir.api('GET', '')).some((video) => video.size > 0));

      /* a second encoder is refused, and the page says so */
      const second = publish(`rtmp://${weir.address('rtmp')}/live/${'0'.repeat(32)}k${uid}`);
      await second.exited.catch(() => {});
      await page.locator('#refusals').getByText('Encoder refused').first().waitFor();

      await encoder.stop('SIGKILL');
      await waitForState(page, uid, 'reconnecting');
      const countdown = card.getByText(/^ends in 0:\d\d if the encoder does not return$/);
      const first = await countdown.textContent();
      await until('the countdown runs', async () => (await countdown.textContent().catch(() => first)) !== first);
      await waitForState(page, uid, 'disconnected');

      const row = page.locator('#recordings tr');
      await row.getByText('Ready').waitFor({ timeout: 30_000 });
      assert.match(await page.locator('#usage').textContent(), /^1 recording, \d+:\d\d, [\d.]+ [KM]iB$/);
      const [watch] = await Promise.all([context.waitForEvent('page'), row.getByRole('link', { name: 'Watch Stage' }).click()]);
      await watchVideo(watch);
      await watch.waitForFunction(() => document.querySelector('video').currentTime > 0.5, null, { timeout: 30_000 });
      await watch.close();

      /* nothing is done without being asked */
      await row.getByRole('button', { name: 'Delete Stage' }).click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      assert.equal((await weir.api('GET', '')).length, 1);
      await row.getByRole('button', { name: 'Delete Stage' }).click();
      await page.locator('#confirm-yes').click();
      await page.getByText('Nothing has been recorded yet.').waitFor();
    });
  });
});

test('inputs are switched off and on, get other keys and go, by the keyboard too', async () => {
  await withWeir({}, async (weir) => {
    const input = await weir.createInput({ meta: { name: 'Keyboard' } });

    await withDashboard(weir, async (page) => {
      const press = async (name) => {
        await cardOf(page, input.uid).getByRole('button', { name, exact: true }).focus();
        await page.keyboard.press('Enter');
      };
      const agree = async () => {
        await page.getByRole('dialog').waitFor();
        await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
      };

      await logIn(page, weir);
      await press('Disable');
      await agree();
      await cardOf(page, input.uid).getByText('Disabled', { exact: true }).waitFor();
      assert.equal((await weir.api('GET', `/live_inputs/${input.uid}`)).enabled, false);
      await press('Enable');
      await cardOf(page, input.uid).getByRole('button', { name: 'Disable' }).waitFor();
      await press('Replace keys');
      await agree();
      await until('other keys', async () => (await weir.api('GET', `/live_inputs/${input.uid}`)).rtmp.streamKey !== input.rtmp.streamKey);
      await press('Delete');
      await page.keyboard.press('Escape');
      assert.equal((await weir.call('GET', `/live_inputs/${input.uid}`)).status, 200);
      await press('Delete');
      await agree();
      await page.getByText('There are no live inputs yet.').waitFor();
    });
  });
});

test('names are text, whatever they say', async () => {
  await withWeir({}, async (weir) => {
    const input = await weir.createInput({ meta: { name: HOSTILE } });

    await withDashboard(weir, async (page) => {
      await logIn(page, weir);
      assert.equal(await cardOf(page, input.uid).locator('h3').textContent(), HOSTILE);
      await weir.createInput({ meta: { name: `${HOSTILE} 2` } });
      /* made elsewhere, it appears by itself */
      await page.getByRole('heading', { name: `${HOSTILE} 2`, exact: true }).waitFor();
      assert.equal(await page.locator('main img, main script').count(), 0);
    });
  });
});

test('the page and its policy leave nothing to others', async () => {
  await withWeir({}, async (weir) => {
    const response = await weir.fetch('/');
    const page = await response.text();
    const policy = response.headers.get('content-security-policy');

    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.doesNotMatch(page, /<script(?![^>]*src="\/web\/)|style=|\son\w+=/);
    assert.doesNotMatch(await weir.text('/web/dashboard.js'), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
  });
});

test('the page fits a phone and a wide screen', async () => {
  await withWeir({}, async (weir) => {
    await weir.createInput({ meta: { name: `A long name ${'without any blank '.repeat(3)}${'x'.repeat(120)}` } });
    await withDashboard(weir, async (page) => {
      await logIn(page, weir);
      await page.getByRole('button', { name: 'Connect an encoder' }).click();
      for (const width of [320, 390, 768, 1280, 2560]) {
        await page.setViewportSize({ width, height: 800 });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} pixels are too few`);
      }
    });
  });
});
