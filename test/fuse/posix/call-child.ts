import { createInterface } from 'node:readline';
import { linuxCalls } from './linux-calls.ts';
import type { CallName } from './system-calls.ts';
import { CallError } from './system-calls.ts';

// A process that makes the system calls that it reads as lines of JSON, so that whoever serves the filesystem need
// not: `node call-child.js FOLDER`.

const calls = linuxCalls(process.argv[2] ?? '.');

createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, ...args] = JSON.parse(line) as [CallName, ...unknown[]];
  let answer: { readonly value?: unknown; readonly errno?: string };
  try {
    answer = { value: (calls[name] as (...args: unknown[]) => unknown)(...args) };
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    answer = { errno: error.errno };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
