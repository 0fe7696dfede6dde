import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { recited, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

const ROUNDS = 20;

test('kill -9 at any moment of a PUT: the last recited root opens whole, and a rerun completes', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.path('source');
  const store = scratch.path('store');
  const before = scratch.path('before');
  const target = scratch.path('target');
  const seed = (Date.now() % 2 ** 31) | 0;
  t.diagnostic(`seed ${seed}`);
  const random = makeRandom(seed);
  makeTree(source, { files: 400, seed: 21, extras: false });
  let putMs = 0;
  /** Puts the tree to its end. @returns the root that was recited */
  const put = async (what: string): Promise<string> => {
    const started = performance.now();
    const done = await vtftp(['-S', store, '-c', `put ${source} tree; quit`], { env });
    putMs = performance.now() - started;
    assert.equal(done.status, 0, `${what}: ${done.report}`);
    return recited(done);
  };
  let root = await put('the first put');

  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // What the recited root holds, then a change large enough that the next PUT has work to do.
    const copied = await run('rsync', ['-aHAX', '--modify-window=-1', '--delete', `${source}/`, `${before}/`]);
    assert.equal(copied.status, 0, copied.report);
    for (let i = 0; i < 20; i++) writeFileSync(`${source}/changed-${random.below(60)}`, random.bytes(random.below(400_000)));

    // Each round has its own part of the time that the last put took: the first ones fall into any put, however fast this one is.
    const delayMs = Math.floor(((round + random.below(1000) / 1000) / ROUNDS) * putMs * 1.1);
    const what = `seed ${seed}, round ${round}, killed after ${delayMs} ms`;
    const broken = await vtftp(['-S', store, '-c', `put ${source} tree; quit`], {
      env,
      during: async (program) => {
        // The moment is the matter here: nothing the program says marks it.
        await wait(delayMs);
        program.kill('SIGKILL');
      },
    });
    if (broken.signal === 'SIGKILL') killed++;

    rmSync(target, { recursive: true, force: true });
    const old = await vtftp(['-S', store, root, '-c', `get tree ${target}`], { env });
    assert.equal(old.status, 0, `${what}: ${old.report}`);
    assert.equal(await rsyncDifferences(before, target), '', what);

    root = await put(what);
  }
  rmSync(target, { recursive: true, force: true });
  const last = await vtftp(['-S', store, root, '-c', `get tree ${target}`], { env });
  assert.equal(last.status, 0, last.report);
  assert.equal(await rsyncDifferences(source, target), '');
  t.diagnostic(`${killed} of ${ROUNDS} were killed at work`);
  assert.ok(killed > 0, 'none was killed at work');
});

test('kill -9 in the middle of a GET leaves no half file under a final name, and a rerun completes', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.path('source');
  const target = scratch.path('target');
  const store = scratch.path('store');
  makeTree(source, { files: 1500, seed: 22, extras: false });
  const put = await vtftp(['-S', store, '-c', `put ${source} tree; quit`], { env });
  assert.equal(put.status, 0, put.report);
  for (const delayMs of [120, 200, 280]) {
    await vtftp(['-S', store, '-c', `get -p tree/. ${target}`], {
      env,
      during: async (program) => {
        await wait(delayMs);
        program.kill('SIGKILL');
      },
    });
    // Content of what stands there is right: only new names, folders' times, and temporary files may differ.
    const found = await run('rsync', ['-rcn', '--itemize-changes', '--existing', `${source}/`, `${target}/`]);
    assert.deepEqual(
      found.stdout.split('\n').filter((line) => line.startsWith('>f')),
      [],
      `after ${delayMs} ms`,
    );
  }
  const get = await vtftp(['-S', store, '-c', `get -p tree/. ${target}`], { env });
  assert.equal(get.status, 0, get.report);
  assert.equal(await rsyncDifferences(source, target), '');
});
