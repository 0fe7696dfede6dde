import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { octetsFromText } from '../../core/base/octets.ts';
import { storeDir } from '../../core/dirent/dir-codec.ts';
import { dir, file, literal, numbered, run as octets } from '../support/bombs/bomb.ts';
import { storeBomb } from '../support/bombs/store-bombs.ts';
import { PROGRAM, run } from '../support/program.ts';
import type { Scratch } from '../support/scratch.ts';
import { makeScratch } from '../support/scratch.ts';

// A reader that takes nothing, of each sort of standard output: signals are heard all the same.

/** What prints more than a pipe or a socket holds: large pieces, rows of a walk, rows that are there all at once. */
const PIECES = ['-c', 'cat bomb/large'];
const WALK = ['-c', 'find bomb'];
const ROWS = ['--json', '-c', 'ls -l bomb'];

const CASES = {
  pipe: [
    ['SIGTERM', PIECES],
    ['SIGTERM', WALK],
    ['SIGINT', ROWS],
  ],
  socket: [
    ['SIGTERM', ROWS],
    ['SIGINT', PIECES],
  ],
} as const;
const STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

const NAMES = 10_000;
/** Bound that tells "ends" from "hangs". */
const MAX_MS = 15_000;
/** Between two looks at what a process has worked. */
const LOOK_MS = 200;

/** Starts the program with a standard output that nobody reads. @param path - where a FIFO is made; without it a socket */
async function startUnread(t: TestContext, scratch: Scratch, path: string | undefined, words: readonly string[]): Promise<ChildProcess> {
  const start = (stdout: number | 'pipe'): ChildProcess => {
    const child = spawn(process.execPath, [PROGRAM, '-S', scratch.path('store'), '-x', ...words], {
      env: { ...process.env, ...scratch.env },
      stdio: ['ignore', stdout, 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    return child;
  };
  // Node's pipes are sockets.
  if (path === undefined) return start('pipe');
  const made = await run('mkfifo', [path]);
  assert.equal(made.status, 0, made.report);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => closeSync(reader));
  const writer = openSync(path, constants.O_WRONLY);
  const child = start(writer);
  closeSync(writer);
  return child;
}

/** Resolves once a process does nothing any more: it waits for its reader. */
async function isStuck({ pid }: ChildProcess): Promise<void> {
  for (let before = ''; ; ) {
    const [, , , , , , , , , , , user = '', system = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    if (`${user} ${system}` === before) return;
    before = `${user} ${system}`;
    await pause(LOOK_MS);
  }
}

async function makeStore(scratch: Scratch): Promise<void> {
  await storeBomb(scratch.path('store'), {
    name: 'much',
    make: (blocks) => {
      const names = Array.from({ length: NAMES }, (_, i) => file(numbered(i, 'a-rather-long-name-'), literal('')));
      const large = { ...file('large', octets(100 * 2 ** 20, 'x')), name: octetsFromText('large') };
      return dir('d', storeDir(blocks, [...names, large]));
    },
  });
}

for (const kind of ['pipe', 'socket'] as const)
  it(`SIGTERM and SIGINT end commands whose ${kind} nobody reads`, {
    skip: process.platform === 'linux' ? false : '/proc tells on Linux what a process has worked',
  }, async (t) => {
    const scratch = makeScratch(t);
    await makeStore(scratch);
    for (const [i, [signal, words]] of CASES[kind].entries()) {
      const child = await startUnread(t, scratch, kind === 'pipe' ? scratch.path(`fifo-${i}`) : undefined, words);
      const ended = once(child, 'exit');
      if (child.stderr !== null) await once(child.stderr, 'data');
      await isStuck(child);
      assert.equal(child.exitCode, null, `${words.join(' ')} has ended by itself`);
      const hangs = setTimeout(() => child.kill('SIGKILL'), MAX_MS);
      child.kill(signal);
      assert.deepEqual(await ended, [STATUS[signal], null], `${signal}: ${words.join(' ')}`);
      clearTimeout(hangs);
    }
  });

it('a reader that is slow gets all of it', async (t) => {
  const scratch = makeScratch(t);
  await makeStore(scratch);
  const words = ['-S', scratch.path('store'), '-c', 'find bomb; cat bomb/large | head -c 3000000'];
  const script = '"$@" | (sleep 0.3; head -c 100000 | wc -c; sleep 0.3; wc -c)';
  const read = await run('sh', ['-c', script, 'sh', process.execPath, PROGRAM, ...words], { env: scratch.env });
  const found = await run(process.execPath, [PROGRAM, '-S', scratch.path('store'), '-c', 'find bomb'], { env: scratch.env });
  assert.deepEqual([read.stdout.split(/\s+/).filter(Boolean), read.stderr], [['100000', `${found.stdoutBytes.length + 2_900_000}`], '']);
});
