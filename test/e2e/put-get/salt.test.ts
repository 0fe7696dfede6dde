import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

it('Dirs that are put or made with salt keep it: the same put gives the same Dirref, equal trees share no Dir, all comes back', async (t) => {
  const scratch = makeScratch(t);
  const on = async (commands: string): Promise<string> => {
    const done = await vtftp(['-S', './s', '-c', commands], { env: scratch.env, cwd: scratch.folder });
    assert.equal(done.status, 0, `${commands}: ${done.report}`);
    return done.stdout;
  };
  const dirOf = async (path: string): Promise<{ readonly hash: string; readonly isSalted: boolean }> => {
    const said = await on(`inspect ${path}`);
    return { hash: /sha3-256:[0-9a-f]{64}/.exec(said)?.[0] ?? '', isSalted: /^salt\s+16 bytes$/m.test(said) };
  };
  makeTree(scratch.path('tree'), { files: 20, seed: 3 });
  execFileSync('mkdir', ['-p', scratch.path('tree/sub/deep')]);
  writeFileSync(scratch.path('tree/sub/deep/f'), 'content');
  execFileSync('ln', [scratch.path('tree/sub/deep/f'), scratch.path('tree/hard')]);
  const first = await on('put --salt tree one; quit');
  for (const path of ['one', 'one/sub', 'one/sub/deep']) assert.ok((await dirOf(path)).isSalted, path);
  assert.equal((await on('put tree one; quit')).split('\n').at(-2), first.split('\n').at(-2), 'a later put uses the salt that is there');
  await on('put --salt tree two; put tree plain; mkdir --salt made; mkdir -p --salt made/below; quit');
  const found = await Promise.all(['one/sub', 'two/sub', 'plain/sub'].map(dirOf));
  assert.equal(new Set(found.map(({ hash }) => hash)).size, 3);
  assert.deepEqual(
    found.map(({ isSalted }) => isSalted),
    [true, true, false],
  );
  assert.ok((await dirOf('made')).isSalted && (await dirOf('made/below')).isSalted);
  // What changes keeps its salt, and what is new below gets some.
  execFileSync('mkdir', [scratch.path('tree/sub/new')]);
  writeFileSync(scratch.path('tree/sub/new/g'), 'more');
  await on('mv two three; put tree three; quit');
  for (const path of ['three', 'three/sub', 'three/sub/new']) assert.ok((await dirOf(path)).isSalted, path);
  assert.match(await on('gc --grace 0; fsck; scrub; get three out'), /clean/);
  execFileSync('diff', ['-r', '--no-dereference', '--exclude=fifo', scratch.path('tree'), scratch.path('out')]);
});
