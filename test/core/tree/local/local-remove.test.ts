import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Octets } from '../../../../core/base/octets.ts';
import { removeLocal } from '../../../../core/tree/local/local-remove.ts';
import { makeScratch } from '../../../support/scratch.ts';

/** Makes directories within each other, and a file in each. */
const MAKE_DEEP = `
import os, sys
os.chdir(sys.argv[1])
for _ in range(int(sys.argv[3])):
    open('file', 'w').close()
    os.mkdir(sys.argv[2])
    os.chdir(sys.argv[2])
`;

for (const [says, name, depth] of [
  ['paths longer than the system takes', 'n'.repeat(200), 60],
  ['more levels than a process may have files open', 'd', 5000],
] as const) {
  test(`a directory on disk is removed with all below it: ${says}`, (t) => {
    const scratch = makeScratch(t);
    const top = scratch.mkdir('top');
    execFileSync('python3', ['-c', MAKE_DEEP, top, name, String(depth)]);
    removeLocal(top as Octets);
    assert.equal(existsSync(top), false);
    assert.ok(existsSync(scratch.folder));
  });
}

test('a directory on disk is removed without what its symlinks lead to', (t) => {
  const scratch = makeScratch(t);
  scratch.mkdir('kept');
  writeFileSync(scratch.path('kept/file'), 'content');
  const top = scratch.mkdir('top');
  mkdirSync(`${top}/below`);
  writeFileSync(`${top}/below/file`, '');
  for (const [i, target] of [scratch.path('kept'), '..', 'nowhere'].entries()) symlinkSync(target, `${top}/below/l${i}`);
  removeLocal(`${top}/none` as Octets);
  removeLocal(top as Octets);
  assert.deepEqual(readdirSync(scratch.folder).includes('top'), false);
  assert.deepEqual(readdirSync(scratch.path('kept')), ['file']);
  removeLocal(scratch.path('kept/file') as Octets);
  assert.deepEqual(readdirSync(scratch.path('kept')), []);
});

test('removing a directory on disk ends by its signal', (t) => {
  const scratch = makeScratch(t);
  const top = scratch.mkdir('top');
  mkdirSync(`${top}/below`);
  assert.throws(() => removeLocal(top as Octets, AbortSignal.abort()), { code: 'ECANCELLED' });
  assert.ok(existsSync(`${top}/below`));
});
