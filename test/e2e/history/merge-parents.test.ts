import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

// Merges record both parents: what was merged once is not merged again, and what was decided stays.

interface Stores {
  /** Runs commands on a Store. @returns its stdout; fails where the status is another */
  on(store: string, commands: string, status?: number): Promise<string>;
  /** Writes local files. */
  write(files: Readonly<Record<string, string>>): void;
  path(name: string): string;
}

/** Two Stores `a` and `b` that share a state with the file f. */
async function sharing(t: TestContext, content = 'one'): Promise<Stores> {
  const scratch = makeScratch(t);
  const stores: Stores = {
    path: (name) => scratch.path(name),
    write: (files) => {
      for (const [name, text] of Object.entries(files)) writeFileSync(scratch.path(name), text);
    },
    async on(store, commands, status = 0) {
      const done = await vtftp(['-S', scratch.path(store), '-c', `lcd ${scratch.path('.')}; ${commands}`], { env: scratch.env });
      assert.equal(done.status, status, done.report);
      return done.stdout;
    },
  };
  stores.write({ f: content });
  await stores.on('a', 'put f; quit');
  cpSync(scratch.path('a'), scratch.path('b'), { recursive: true });
  return stores;
}

it('a revert and a removal after a merge win over what was merged, and both sides end equal', async (t) => {
  const { on, write } = await sharing(t);
  write({ f: 'two', n: 'new' });
  await on('a', 'put f; put n; quit');
  write({ g: 'other' });
  await on('b', 'put g; merge a; quit');
  write({ f: 'one' });
  await on('b', 'put f; rm n; quit');
  await on('a', 'merge b; quit');
  assert.match(await on('b', 'merge a; quit'), /all of its states are here already/);
  for (const store of ['a', 'b']) assert.equal(await on(store, 'ls -1; cat f'), 'f\ng\none');
});

it('a conflict that was resolved does not come back, whoever merges next, and whichever side was taken', async (t) => {
  const { on, write } = await sharing(t);
  for (const [round, policy] of ['ours', 'both'].entries()) {
    write({ f: `a ${round}` });
    await on('a', 'put f; quit');
    write({ f: `b ${round}` });
    await on('b', 'put f; quit');
    assert.match(await on('a', `merge --conflict=${policy} b; quit`), /1 conflict\n/);
    assert.match(await on('b', 'merge a; quit'), /0 conflicts/);
    assert.match(await on('a', 'merge b; quit'), /all of its states are here already/);
    assert.equal(await on('b', 'find .'), await on('a', 'find .'), policy);
    assert.equal(await on('b', 'cat f'), await on('a', 'cat f'), policy);
  }
  assert.match(await on('b', 'conflicts'), /^\/f {2}f\.theirs-\d{8}T\d{6}Z\n1 conflict\n$/);
  assert.match(await on('b', 'rm f.theirs-*; conflicts; undo; quit'), /^no conflicts below \/$/m);
  assert.equal((await on('a', 'find . -name "f.theirs-*"')).trim().split('\n').length, 1, 'of the one merge that kept both');
});

it('who has all states of the other takes its tree as it is, with its date', async (t) => {
  const { on, write, path } = await sharing(t);
  write({ g: 'of a' });
  await on('a', 'put g; mkdir d; quit');
  await on('b', 'merge a; quit');
  const newest = (store: string): string =>
    readFileSync(`${path(store)}/archives/default.vt`, 'latin1')
      .trimEnd()
      .split('\n')
      .at(-1) ?? '';
  assert.equal(newest('b').split(' N{')[0], newest('a').split(' N{')[0]);
  const author = /host:".*",command:"put g; mkdir d"/.exec(newest('a'))?.[0] ?? '';
  assert.ok(author !== '' && newest('b').includes(author), 'and its author');
});

it('a merge that was undone can be made again; an undo of a change of our own goes on to the others', async (t) => {
  const { on, write } = await sharing(t);
  write({ g: 'of a' });
  await on('a', 'put g; quit');
  write({ h: 'of b' });
  await on('b', 'put h; quit');
  await on('b', 'merge a; undo; quit');
  assert.equal(await on('b', 'ls -1'), 'f\nh\n');
  await on('b', 'merge a; quit');
  assert.equal(await on('b', 'ls -1'), 'f\ng\nh\n');
  await on('a', 'merge b; quit');
  write({ k: 'mistaken' });
  await on('b', 'put k; quit');
  await on('a', 'merge b; quit');
  await on('b', 'undo; quit');
  await on('a', 'merge b; quit');
  assert.equal(await on('a', 'ls -1'), 'f\ng\nh\n');
  // A merge that took ours alone changed nothing, and is undone all the same.
  write({ g: 'changed in a', h: 'changed' });
  await on('a', 'put g; quit');
  write({ g: 'changed in b' });
  await on('b', 'put g; quit');
  await on('b', 'merge --conflict=ours a; undo; quit');
  assert.match(await on('b', 'merge a; quit', 3), /^conflict: \/g: changed on both sides$/m);
});

it('what an undone merge gave back is not taken for had, though the other side merged that undo and undid it too', async (t) => {
  const { on, write, path } = await sharing(t);
  write({ g: 'of b', h: 'of a' });
  await on('b', 'put g; quit');
  await on('a', 'put h; merge b; undo; quit');
  assert.equal(await on('a', 'ls -1'), 'f\nh\n');
  await on('b', 'merge a; undo; quit');
  assert.equal(await on('b', 'ls -1'), 'f\ng\n');
  cpSync(path('a'), path('a2'), { recursive: true });
  assert.match(await on('a', 'merge b; ls -1; quit'), /0 conflicts\nf\ng\nh\n/);
  await on('b', 'chmod 600 g; quit');
  assert.match(await on('a2', 'merge b; ls -1; quit'), /0 conflicts\nf\ng\nh\n/);
});

it('what came with a merge that was undone is not taken for had by who merges that undo, and then merges it anew', async (t) => {
  const { on, write, path } = await sharing(t);
  for (const copy of ['c', 'd']) cpSync(path('a'), path(copy), { recursive: true });
  write({ g: 'of a', h: 'of b', k: 'of c', l: 'of d' });
  await on('a', 'put g; quit');
  await on('d', 'put l; merge a; quit');
  await on('a', 'undo; quit');
  await on('b', 'put h; merge a; quit');
  await on('c', 'put k; merge b; quit');
  await on('b', 'undo; quit');
  await on('d', 'merge b; quit');
  await on('d', 'merge c; quit');
  assert.match(await on('d', 'merge a; quit'), /all of its states are here already/);
});

it('who pulls a merge, and then the undo of it, can make that merge again as well, and hands on what comes before', async (t) => {
  const { on, write, path } = await sharing(t);
  for (const copy of ['c', 'd', 'shared']) cpSync(path('a'), path(copy), { recursive: true });
  write({ g: 'of b', h: 'of a' });
  await on('b', 'put g; quit');
  await on('a', `put h; merge ${path('b')}; quit`);
  await on('c', `pull -p ${path('a')}; quit`);
  await on('a', 'undo; quit');
  assert.match(await on('c', `pull -p ${path('a')}; ls -1; quit`), /^f\nh\nD/m);
  await on('d', `pull -p ${path('c')}; quit`);
  assert.match(await on('c', 'undo; ls -1; redo; quit'), /^f\ng\nh\n/m, 'undo goes back to the merge');
  for (const store of ['c', 'd']) {
    for (const other of ['shared', 'a']) assert.match(await on(store, `merge ${other}; quit`), /all of its states are here already/);
    assert.match(await on(store, 'merge b; ls -1; quit'), /0 conflicts\nf\ng\nh\n/, store);
  }
});

it('gc keeps what a later merge compares with, though no state here is that tree', async (t) => {
  const { on, write } = await sharing(t);
  write({ g: 'of a', h: 'of b' });
  await on('a', 'put g; quit');
  await on('b', 'put h; quit');
  await on('b', 'merge a; gc --grace 0; quit');
  write({ g: 'of a, later' });
  await on('a', 'put g; quit');
  assert.match(await on('b', 'merge a; cat g; quit'), /0 conflicts\nof a, later/);
});

it('where nobody has the newest common state whole, the merge compares with the next older one', async (t) => {
  const { on, write, path } = await sharing(t);
  for (const copy of ['c', 'd']) cpSync(path('a'), path(copy), { recursive: true });
  write({ g: 'of b', h: 'of c', k: 'of d', l: 'of b' });
  await on('b', 'put g; quit');
  await on('c', `put h; merge ${path('b')}; quit`);
  await on('d', `put k; merge ${path('c')}; quit`);
  // Of what c had made of its own and of b, a and b get the name alone.
  await on('a', `pull -p ${path('d')}; quit`);
  await on('c', 'mkdir m; quit');
  await on('b', 'put l; merge c; quit');
  write({ g: 'changed' });
  await on('b', 'put g; quit');
  await on('a', 'chmod 600 f; quit');
  assert.match(await on('a', 'merge b; cat g; quit'), /merged into \/: 0 conflicts\nchanged/);
});

it('the Dir that a tree was merged into knows that it was', async (t) => {
  const { on, write } = await sharing(t);
  await on('b', 'mkdir d; merge a d; quit');
  write({ f: 'two', g: 'new' });
  await on('b', 'put f d/g; quit');
  await on('a', 'put f; quit');
  assert.match(await on('b', 'merge a d; cat d/f d/g; quit'), /0 conflicts\ntwotwo/);
  assert.match(await on('b', 'merge a d; quit'), /all of its states are here already/);
});

it('a Dir that one side removed and the other changed is merged file by file', async (t) => {
  const { on, write, path } = await sharing(t);
  mkdirSync(path('d'));
  for (const name of ['1', '2', '3']) write({ [`d/${name}`]: name });
  await on('a', 'put d; quit');
  await on('b', 'merge a; quit');
  await on('a', 'rm -r d; quit');
  write({ 'd/2': 'changed', 'd/new': 'added' });
  await on('b', 'put d; quit');
  assert.match(
    await on('a', 'merge --conflict=both b; quit'),
    /^conflict: \/d\/2: removed here, changed there; the change is kept\nnew: \/d\n/m,
  );
  assert.equal(await on('a', 'find d'), '/d\n/d/2\n/d/new\n');
});

it('what one side renamed and the other changed is renamed and changed: Dirs by most of what is in them, files by their Blocks', async (t) => {
  const { on, write, path } = await sharing(t);
  mkdirSync(path('photos'));
  for (let i = 0; i < 10; i++) write({ [`photos/${i}`]: `photo ${i} ${'x'.repeat(100)}` });
  write({ large: Array.from({ length: 20_000 }, (_, i) => `line ${i * 7919}\n`).join('') });
  await on('a', 'put photos; put large; quit');
  await on('b', 'merge a; quit');
  await on('a', 'mv photos pics; mkdir 2026; mv f 2026/g; mv large 2026/huge; quit');
  write({ 'photos/new': 'a new photo', 'photos/3': 'retouched', f: 'edited' });
  await on('b', 'put photos; put f; mv photos/7 photos/seven; quit');
  assert.match(await on('a', 'merge b; quit'), /merged into \/: 0 conflicts/);
  await on('b', 'merge a; quit');
  for (const store of ['a', 'b']) {
    assert.equal(await on(store, 'ls -1; cat 2026/g pics/3 pics/new'), '2026\npics\neditedretoucheda new photo');
    assert.equal(
      await on(store, 'ls -1 pics 2026'),
      ['2026:', 'g', 'huge', '', 'pics:', ...'0 1 2 3 4 5 6 8 9 new seven'.split(' '), ''].join('\n'),
    );
  }
  write({ large: Array.from({ length: 20_000 }, (_, i) => `line ${i * 7919}\n`).join('') });
  await on('a', 'mv 2026/huge there; quit');
  await on('b', 'mv 2026/huge elsewhere; quit');
  assert.match(await on('a', 'merge b; quit', 3), /^conflict: \/there: renamed to this here, and there to \/elsewhere$/m);
  await on('a', 'merge --conflict=theirs b; quit');
  await on('b', 'merge a; quit');
  for (const store of ['a', 'b']) assert.equal(await on(store, 'ls -1'), '2026\nelsewhere\npics\n');
});

it('permissions that both sides changed become those that both allow; either side has a say', async (t) => {
  const { on } = await sharing(t);
  await on('a', 'chmod 600 f; quit');
  await on('b', 'chmod 666 f; quit');
  const told = /^conflict: \/f: mode changed on both sides, 0600 here and 0666 there; 0600 taken$/m;
  assert.match(await on('a', 'merge b; quit'), told);
  assert.match(await on('b', 'merge a; quit'), /merged into \/: 0 conflicts/);
  for (const store of ['a', 'b']) assert.match(await on(store, 'stat f'), /mode +0600/);
  await on('a', 'chmod 640 f; quit');
  await on('b', 'chmod 604 f; quit');
  await on('b', 'merge --conflict=theirs a; quit');
  await on('a', 'merge b; quit');
  for (const store of ['a', 'b']) assert.match(await on(store, 'stat f'), /mode +0640/);
});

it('without a common state what one side lacks is kept and listed, and what differs is a conflict', async (t) => {
  const { on, write } = await sharing(t);
  write({ g: 'other', h: 'its own' });
  await on('c', 'put f; put g; quit');
  const dirref = (await on('c', 'rm f; put h; quit')).trim().split('\n').at(-1) ?? '';
  await on('a', 'put g; quit');
  await on('a', `merge c@1; quit`);
  write({ g: 'changed' });
  await on('b', 'put g; quit');
  await on('b', `join c x; rm -r x; quit`);
  const told = await on('b', `merge --conflict=ours '${dirref}'; quit`);
  assert.match(told, /^conflict: \/g: changed on both sides; ours taken\nnew: \/h\nonly here: \/f\nmerged into \/: 1 conflict$/m);
  assert.equal(await on('b', 'ls -1'), 'f\ng\nh\n');
});
