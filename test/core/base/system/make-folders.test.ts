import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { makeFolders } from '../../../../core/base/system/make-folders.ts';
import { makeScratch } from '../../../support/scratch.ts';

test('folders are made with those above them, and again without complaint', (t) => {
  const { path } = makeScratch(t);
  makeFolders(path('a/b/c'));
  makeFolders(path('a/b/c'));
  assert.ok(statSync(path('a/b/c')).isDirectory());
});

test('making a folder where none can be made ends in an error', { skip: process.platform !== 'linux' && 'there is no /proc' }, () => {
  assert.throws(() => makeFolders('/proc/vtftp-none/store'), { code: 'ENOENT' });
});
