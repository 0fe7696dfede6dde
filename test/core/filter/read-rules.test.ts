import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lchownSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { octetsFromText } from '../../../core/base/octets.ts';
import { readFoundRules, readNamedRules } from '../../../core/filter/read-rules.ts';
import { makeScratch } from '../../support/scratch.ts';

const READERS = [
  ['that is named', readNamedRules],
  ['that is found', readFoundRules],
] as const;

for (const [which, read] of READERS)
  test(`a file of rules ${which}: its content; nothing where there is no plain file; an error where it is too large`, (t) => {
    const scratch = makeScratch(t);
    const at = (name: string) => read(octetsFromText(scratch.path(name)));
    writeFileSync(scratch.path('rules'), '- *.o\n');
    mkdirSync(scratch.path('folder'));
    symlinkSync('rules', scratch.path('own'));
    assert.equal(spawnSync('mkfifo', [scratch.path('fifo')]).status, 0);
    assert.deepEqual(['rules', 'own'].map(at), ['- *.o\n', '- *.o\n']);
    assert.deepEqual(['absent', 'rules/below', 'folder', 'fifo'].map(at), [undefined, undefined, undefined, undefined]);
    truncateSync(scratch.path('rules'), 1024 * 1024 + 1);
    assert.throws(() => at('rules'), /read rules ".*rules": larger than 1048576 bytes/);
  });

test('a file of rules that is found is not read through a symlink of somebody else', {
  skip: process.getuid?.() === 0 ? false : 'only root can give a symlink to somebody else',
}, (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('secret'), 'not for you\n');
  symlinkSync('secret', scratch.path('rules'));
  lchownSync(scratch.path('rules'), 54_321, 54_321);
  const path = octetsFromText(scratch.path('rules'));
  assert.throws(() => readFoundRules(path), /read rules ".*": .*is a symlink of user 54321.*put a file in its place/);
  assert.equal(readNamedRules(path), 'not for you\n');
});
