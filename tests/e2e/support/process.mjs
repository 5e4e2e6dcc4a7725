// SPDX-License-Identifier: LGPL-2.1-or-later
// Plain processes, each in a group of its own; whatever still runs at the end is killed.

import { spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';

const running = new Set();
const KEPT_CHARACTERS = 200_000;

export class Process {
  constructor(command, args, { env = {}, cwd } = {}) {
    this.command = [command, ...args].join(' ');
    this.output = '';   // stdout and stderr as they came, the end of it
    this.stdout = '';
    this.watchers = new Set();
    this.code = undefined; // once it has ended: its exit status, or the signal's name
    this.child = spawn(command, args, {
      cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    });
    this.pid = this.child.pid;
    running.add(this);
    for (const stream of ['stdout', 'stderr']) {
      const decoder = new StringDecoder('utf8');
      this.child[stream].on('data', (data) => this.#take(stream, decoder.write(data)));
    }
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => {
        this.#take('stderr', `${error.message}\n`);
        running.delete(this);
        this.code ??= 'not started';
        this.#wake();
        resolve(this.code);
      });
      this.child.on('close', (code, signal) => {
        running.delete(this);
        this.code = code ?? signal;
        this.#wake();
        resolve(this.code);
      });
    });
  }

  #take(stream, text) {
    this.output = (this.output + text).slice(-KEPT_CHARACTERS);
    if (stream === 'stdout')
      this.stdout = (this.stdout + text).slice(-KEPT_CHARACTERS);
    this.#wake();
  }

  #wake() {
    for (const watcher of [...this.watchers])
      watcher();
  }

  /* waits until the output matches; fails when the process ends first */
  waitFor(pattern, seconds = 40) {
    return new Promise((resolve, reject) => {
      const settle = (action, value) => {
        clearTimeout(timer);
        this.watchers.delete(look);
        action(value);
      };
      const timer = setTimeout(() => settle(reject,
        new Error(`${this.command}: no ${pattern} within ${seconds} s:\n${this.tail()}`)), seconds * 1000);
      const look = () => {
        const match = pattern.exec(this.output);
        if (match)
          settle(resolve, match);
        else if (this.code !== undefined)
          settle(reject, new Error(`${this.command}: ended (${this.code}) without ${pattern}:\n${this.tail()}`));
      };
      this.watchers.add(look);
      look();
    });
  }

  tail(lines = 25) {
    return this.output.split('\n').slice(-lines).join('\n');
  }

  signal(name) {
    if (this.code !== undefined)
      return;
    try {
      process.kill(-this.pid, name);
    } catch {
      /* it has just ended */
    }
  }

  /* asks it to end, and after a while makes it */
  async stop(name = 'SIGTERM', seconds = 10) {
    this.signal(name);
    const timer = setTimeout(() => this.signal('SIGKILL'), seconds * 1000);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }
}

/* runs to the end; rejects when the exit status is not 0, unless `check` is false */
export async function run(command, args, { check = true, seconds = 60, ...options } = {}) {
  const child = new Process(command, args, options);
  const timer = setTimeout(() => child.signal('SIGKILL'), seconds * 1000);
  const code = await child.exited;

  clearTimeout(timer);
  if (check && code !== 0)
    throw new Error(`${child.command}: exit ${code}\n${child.tail()}`);
  return child;
}

export function killAll() {
  for (const child of running)
    child.signal('SIGKILL');
}

process.on('exit', killAll);
for (const [name, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]])
  process.on(name, () => process.exit(status));
