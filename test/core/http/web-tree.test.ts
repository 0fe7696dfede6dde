import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import { WebTrees } from '../../../core/http/web-tree.ts';
import { MemoryStore } from '../../../core/store/memory.ts';

test('a tree that is asked for again and again stays open, but not for ever: it keeps what it was asked for', () => {
  const trees = new WebTrees(new MemoryStore());
  const given = Array.from({ length: 5000 }, () => trees.tree(EMPTY_ROOT).tree);
  assert.equal(given[0], given[999]);
  assert.equal(new Set(given).size, 5);
});
