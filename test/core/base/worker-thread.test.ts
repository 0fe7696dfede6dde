import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { idlest, WorkerThread } from '../../../core/base/worker-thread.ts';

/** A thread that doubles numbers, ends with status 7 at 0, and throws at a number below. */
const DOUBLER = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads';
    parentPort.on('message', (number) => {
      if (number === undefined) parentPort.close();
      else if (number === 0) process.exit(7);
      else if (number < 0) throw new Error('below 0');
      else parentPort.postMessage(number * workerData);
    });`)}`,
);

function doubler(onLost?: (error: Error) => void): WorkerThread<number, number> {
  return new WorkerThread<number, number>(DOUBLER, { name: 'double', setup: 2, ...(onLost === undefined ? {} : { onLost }) });
}

const ask = (thread: WorkerThread<number, number>, number: number): Promise<number> =>
  new Promise((resolve, reject) => thread.ask(number, { answered: resolve, lost: reject }));

it('answers come in the order of the requests, and an end waits for all of them', async () => {
  const thread = doubler();
  const answers: number[] = [];
  const asked = [1, 2, 3, 4].map(async (number) => answers.push(await ask(thread, number)));
  assert.equal(thread.load, 4);
  await thread.end();
  await Promise.all(asked);
  assert.deepEqual(answers, [2, 4, 6, 8]);
  assert.equal(thread.load, 0);
});

for (const [says, number, message] of [
  ['ends', 0, /^double: a worker thread ended early, with status 7$/],
  ['throws', -1, /^below 0$/],
] as const)
  it(`a thread that ${says} tells everybody who asked, once, and whoever asks later`, async () => {
    const losses: Error[] = [];
    const thread = doubler((error) => losses.push(error));
    // An answer that is on its way when the thread ends may be lost with it.
    assert.equal(await ask(thread, 5), 10);
    const asked = await Promise.allSettled([ask(thread, number), ask(thread, 6)]);
    assert.deepEqual(
      asked.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    await assert.rejects(ask(thread, 7), { message });
    assert.equal(losses.length, 1);
    assert.match(thread.failure?.message ?? '', message);
    await thread.end();
  });

it('a thread that is ended at once gives back what it was asked, and is not lost', async () => {
  const losses: Error[] = [];
  const thread = doubler((error) => losses.push(error));
  const asked = ask(thread, 1);
  const refused = assert.rejects(asked, { message: 'no more' });
  await thread.terminate(new Error('no more'));
  await refused;
  assert.deepEqual(losses, []);
});

it('of some threads the one with least to do is taken, the first of equal ones', () => {
  assert.deepEqual(idlest([{ load: 2 }, { load: 1 }, { load: 1 }]), { load: 1 });
  assert.equal(idlest([]), undefined);
});

/** Starts threads that load a native addon at once, and ends each a little later; the process ends with the last. */
const ENDS_LOADERS = `
  const [url, libc] = process.argv.slice(1);
  const { WorkerThread } = await import(url);
  const code = new URL('data:text/javascript,' + encodeURIComponent(
    'import { parentPort } from "node:worker_threads"; const { nativeLibrary } = await import(' + JSON.stringify(libc) +
    '); parentPort.postMessage(0); nativeLibrary();'));
  for (let i = 0; i < 40; i++) {
    const thread = new WorkerThread(code, { name: 'loads', setup: undefined });
    const up = new Promise((resolve) => thread.ask(1, { answered: resolve, lost: resolve }));
    await up;
    if (i === 39) process.exit(0);
    for (const end = performance.now() + (i % 8) * 0.5; performance.now() < end;);
    await thread.terminate(new Error('ended'));
  }`;

it('a thread that is ended while it loads a native addon does not take the process with it', () => {
  const [threads, libc] = ['worker-thread', 'system/libc'].map((name) => new URL(`../../../core/base/${name}.js`, import.meta.url).href);
  const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', ENDS_LOADERS, threads ?? '', libc ?? ''], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.deepEqual({ status, signal }, { status: 0, signal: null }, stderr.slice(0, 2000));
});
