// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines without the daemon: gst-launch-1.0 and programs that use Weir's plugin.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePort, temporaryFolder } from './folder.mjs';
import { publishers } from './media.mjs';
import { Process } from './process.mjs';
import { shared } from './test.mjs';
import { until } from './wait.mjs';
import { settings } from './weir.mjs';

const registries = shared(async () => temporaryFolder('registries'));

/* what a program needs to find the plugin of the build folder, or of another one, which has a registry of its own */
export const pluginEnvironment = async (plugins = path.join(settings.build, 'elements')) => ({
  GST_PLUGIN_PATH: plugins,
  GST_REGISTRY: path.join(await registries(), `${plugins.replace(/\W+/g, '-')}.bin`),
  G_DEBUG: 'fatal-criticals',
});

/* a shell command with a pipeline in it; a dot file of it is written at each change of its state, and on its error */
export async function shell(command, cwd) {
  const dots = temporaryFolder('dots');
  const pipeline = new Process('sh', ['-ec', command.replace('gst-launch-1.0', 'exec gst-launch-1.0')], {
    cwd, env: { ...await pluginEnvironment(), GST_DEBUG_DUMP_DOT_DIR: dots },
  });

  pipeline.dots = dots;
  return pipeline;
}

/* how the pipeline was last, kept beside the build: "" or a sentence that says where */
function keepDump(pipeline) {
  const names = fs.existsSync(pipeline.dots ?? '') ? fs.readdirSync(pipeline.dots).filter((name) => name.endsWith('.dot')).sort() : [];
  const name = names.filter((one) => /error/.test(one)).pop() ?? names.pop();

  if (!name)
    return '';
  const kept = path.join(settings.build, 'dumps', `${path.basename(pipeline.dots)}-${name}`);
  fs.mkdirSync(path.dirname(kept), { recursive: true });
  fs.copyFileSync(path.join(pipeline.dots, name), kept);
  return `the pipeline: ${kept}\n`;
}

/* waits for its end, which must be in order */
export async function finish(pipeline, seconds = 30) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, 'still running');
  });
  const code = await Promise.race([pipeline.exited, late]);

  clearTimeout(timer);
  if (code === 'still running')
    await pipeline.stop('SIGKILL');
  assert.equal(code, 0, `${pipeline.command}\n${code === 0 ? '' : keepDump(pipeline)}${pipeline.tail()}`);
}

export const listens = (port) => until(`something listens on ${port}`, () => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => {
    socket.destroy();
    resolve(true);
  });
  socket.on('error', () => resolve(false));
}));

/* an encoder that publishes the file to its end */
export async function publish(file, url, pipeline) {
  const encoder = publishers.ffmpeg(file, url);

  assert.equal(await encoder.exited, 0, `${encoder.tail()}\n${pipeline.tail()}`);
}

/* a command with port=1935 in it, on a port that is free: { pipeline, port } */
export async function receiver(command, cwd) {
  const port = await freePort();
  const pipeline = await shell(command.replace('port=1935', `port=${port}`), cwd);

  await Promise.race([listens(port), pipeline.exited]);
  return { pipeline, port };
}
