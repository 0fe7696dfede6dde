import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { PROGRAM, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Runs commands on Stores; fails where the status is another. */
type On = (store: string, commands: string, status?: number) => Promise<string>;

function stores(t: TestContext): On {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'theirs');
  return async (store, commands, status = 0) => {
    const done = await vtftp(['-S', scratch.path(store), '-c', commands], { env: scratch.env, cwd: scratch.folder });
    assert.equal(done.status, status, done.report);
    return `${done.stdout}${done.stderr}`;
  };
}

// What is forgotten can no more be gone back to. What came before what stays known, to undo, merge and push.
describe('after forget and gc', () => {
  it('what was merged and then removed is not merged again', async (t) => {
    const on = stores(t);
    await on('a', 'mkdir d; sync; push --create -p ./b');
    await on('b', 'put f d/f');
    await on('a', 'mkdir d/a; sync; merge ./b; rm d/f; sync; mkdir d/z; sync; forget --keep-last 2; gc --grace 0');
    assert.match(await on('a', 'merge ./b'), /all of its states are here already/);
    assert.doesNotMatch(await on('a', 'find d'), /^\/d\/f$/m);
  });

  it('what was pulled and undone is not dropped over there', async (t) => {
    const on = stores(t);
    await on('a', 'mkdir d; sync; push --create -p ./b');
    await on('b', 'put f d/f');
    await on('a', 'pull -p ./b; undo; mkdir d/a; sync; gc --drop default@3');
    assert.match(await on('a', 'push -p ./b', 1), /has states that are not here/);
    assert.match(await on('a', 'undo; ls d; find'), /is as it was at .* \(@1\)/);
  });

  it('undo goes to no empty tree that never was', async (t) => {
    const on = stores(t);
    await on('a', 'mkdir d; sync; mkdir e; sync; mkdir f; sync; forget --keep-last 1');
    assert.match(await on('a', 'undo', 1), /nothing to undo: what came before is forgotten/);
    assert.match(await on('a', 'mkdir g; sync; undo; undo', 1), /nothing to undo: what came before is forgotten/);
    assert.match(await on('a', 'ls -1'), /^d\ne\nf\n/);
  });

  it('a merge says that what both come from is gone, and takes it from the side that has it', async (t) => {
    const on = stores(t);
    await on('a', 'mkdir x; mkdir y; sync; push --create -p ./b; push --create -p ./c');
    await on('a', 'rm -r x; sync');
    for (const store of ['b', 'c']) await on(store, 'mkdir z; sync');
    for (const store of ['a', 'b']) {
      await on(store, 'forget --keep-last 1');
      await on(store, 'gc --grace 0');
    }
    assert.match(await on('a', 'merge -n ./b'), /the common state is gone on both sides/);
    assert.doesNotMatch(await on('a', 'merge ./c; sync'), /is gone/);
    assert.match(await on('a', 'ls -1'), /^y\nz\n/);
  });

  it('a push goes on, also where both have forgotten the state in common, and over a connection', async (t) => {
    const on = stores(t);
    await on('a', 'mkdir d; sync; push --create -p ./b; mkdir e; sync; forget --keep-last 1; gc --grace 0; push -p ./b');
    await on('b', 'mkdir b; sync; mkdir b2; sync; forget --keep-last 1; gc --grace 0');
    await on('a', `merge '!${PROGRAM} -S ./b -c "serve -"'; mkdir g; sync; forget --keep-last 1; gc --grace 0`);
    await on('b', `pull -p '!${PROGRAM} -S ./a -c "serve -"'`);
    assert.match(await on('b', 'ls -1; fsck'), /^b\nb2\nd\ne\ng\n/);
  });
});
