import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkSizes } from '../../scripts/sizes.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch } from '../support/scratch.ts';

test('no folder has over 40 files, and no source over 400 lines', () => {
  assert.deepEqual(checkSizes(PROJECT_ROOT), []);
});

test('a folder with one file too many is seen, at any depth', (t) => {
  const { folder } = makeScratch(t);
  mkdirSync(`${folder}/test/support/trees`, { recursive: true });
  for (let i = 0; i < 40; i++) writeFileSync(`${folder}/test/support/trees/${i}.py`, '');
  assert.deepEqual(checkSizes(folder), []);
  writeFileSync(`${folder}/test/support/trees/one-more.ts`, '');
  assert.match(checkSizes(folder).join('\n'), /^test\/support\/trees: 41 files, 40 are allowed[^\n]*$/);
});

test('a source with one line too many is seen', (t) => {
  const { folder } = makeScratch(t);
  mkdirSync(`${folder}/core/base`, { recursive: true });
  writeFileSync(`${folder}/core/base/long.ts`, '// line\n'.repeat(400));
  assert.deepEqual(checkSizes(folder), []);
  writeFileSync(`${folder}/core/base/long.ts`, '// line\n'.repeat(401));
  assert.match(checkSizes(folder).join('\n'), /^core\/base\/long\.ts: 401 lines, 400 are allowed[^\n]*$/);
});
