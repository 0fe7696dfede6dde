import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FuzzCounts } from '../../support/fuzz/fuzz-loop.ts';
import { FUZZ_TARGETS } from '../../support/fuzz/targets.ts';
import { scriptArguments } from '../../support/script-arguments.ts';
import type { FuzzMessage, FuzzWorkerData } from './decoder-fuzz-worker.ts';

/**
 * Fuzzes the decoders, one after the other, each in a thread that is ended if an input takes too long or too much memory:
 * `decoder-fuzz [--only NAME[,NAME…]] [--seconds N] [--seed N] [--save FOLDER]`. Seconds are those of each decoder. Prints
 * a row of a table for each, and ends with 1 if there was a fault.
 */

const MAX_INPUT_MS = 30_000;
const MAX_HEAP_MB = 1024;
const MAX_INPUT_SIZE = 4 * 1024 * 1024;

const { values, number, names } = scriptArguments('decoder-fuzz [--only NAME[,NAME…]] [--seconds N] [--seed N] [--save FOLDER]', [
  'only',
  'seconds',
  'seed',
  'save',
]);
const seed = number('seed', 0) ?? Math.floor(Math.random() * 2 ** 31);
const seconds = number('seconds', 1) ?? 600;
const wanted = names(
  'only',
  FUZZ_TARGETS.map(({ name }) => name),
);

/** Writes an input that was a fault where it can be looked at. */
function keep(name: string, data: Uint8Array): string {
  const head = Buffer.from(data).toString('latin1', 0, 200);
  if (values.save === undefined) return `${data.length} octets: ${JSON.stringify(head)}`;
  mkdirSync(values.save, { recursive: true });
  const file = join(values.save, `${name}-${createHash('sha1').update(data).digest('hex').slice(0, 8)}`);
  writeFileSync(file, data);
  return `${data.length} octets, in ${file}`;
}

/** Runs one decoder's fuzzer in a thread. What ends the thread is a fault too. */
async function fuzzInThread(name: string): Promise<FuzzCounts> {
  const shared = new SharedArrayBuffer(16 + MAX_INPUT_SIZE);
  const state = new Int32Array(shared, 0, 4);
  const current = (): Buffer => Buffer.from(Buffer.from(shared, 16, Atomics.load(state, 1)));
  const workerData: FuzzWorkerData = { name, seed, seconds, shared };
  const worker = new Worker(new URL('./decoder-fuzz-worker.js', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  let counts: FuzzCounts | undefined;
  let reported = 0;
  let seenInput = -1;
  let seenMs = performance.now();
  const report = (what: string, data: Uint8Array): void => {
    reported++;
    console.error(`FAULT in ${name}, seed ${seed}: ${what}\n  ${keep(name, data)}`);
  };
  const watch = setInterval(() => {
    const input = Atomics.load(state, 0);
    if (input !== seenInput) {
      seenInput = input;
      seenMs = performance.now();
    } else if (input > 0 && performance.now() - seenMs > MAX_INPUT_MS) {
      report(`an input that took more than ${MAX_INPUT_MS / 1000} s`, current());
      seenMs = performance.now();
      void worker.terminate();
    }
  }, 1000);
  await new Promise<void>((resolve) => {
    worker.on('message', (message: FuzzMessage) => {
      if (message.kind === 'fault') report(message.what, message.data);
      else counts = message.counts;
    });
    worker.on('error', (error) => report(`the thread ended: ${error.message}`, current()));
    worker.on('exit', () => resolve());
  });
  clearInterval(watch);
  return { inputs: Math.max(0, Atomics.load(state, 0)), octets: 0, kinds: 0, ...counts, faults: reported };
}

let faults = 0;
for (const { name } of FUZZ_TARGETS) {
  if (wanted !== undefined && !wanted.includes(name)) continue;
  const startMs = performance.now();
  const found = await fuzzInThread(name);
  faults += found.faults;
  const took = Math.round((performance.now() - startMs) / 1000);
  console.log(`| ${name} | ${took} s | ${found.inputs.toLocaleString('en')} | ${found.kinds.toLocaleString('en')} | ${found.faults} |`);
}
process.exitCode = faults === 0 ? 0 : 1;
