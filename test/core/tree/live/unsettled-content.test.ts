import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import { at, readText, recitedRoot } from '../../../support/trees/tree-lines.ts';

describe('a live tree', () => {
  it('stores a content again that was written to while it was settled', async () => {
    const tree = openLiveTree(new MemoryStore(), undefined);
    let text = 'before';
    let settledText = '';
    const content = {
      get size() {
        return text.length;
      },
      get isSettled() {
        return settledText === text;
      },
      async *read(start: number, end: number) {
        yield Buffer.from(text.slice(start, end));
      },
      async settle() {
        settledText = text;
        const data = Buffer.from(text);
        // Somebody writes as long as this goes on, once.
        text = 'after';
        return Promise.resolve({ kind: 'literal' as const, span: data.length, data });
      },
    };
    await tree.attach(at('/f'), content, { mode: 0o600 });
    assert.ok(!tree.isAt(await tree.sync()), 'what was written meanwhile is forgotten');
    const root = await recitedRoot(tree);
    const again = openLiveTree(tree.store, root);
    assert.equal(await readText(again, at('/f')), 'after');
    assert.ok(tree.isAt(root));
  });

  it('takes content that is not in Blocks yet, and settles it at sync', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    let text = 'front file';
    let settled = 0;
    await tree.attach(
      at('/f'),
      {
        get size() {
          return text.length;
        },
        isSettled: true,
        async *read(start, end) {
          yield Buffer.from(text.slice(start, end));
        },
        async settle() {
          settled++;
          const data = Buffer.from(text);
          return Promise.resolve({ kind: 'literal', span: data.length, data });
        },
      },
      { mode: 0o600 },
    );
    assert.equal((await tree.lookup(at('/f')))?.size, 10);
    text += ', longer';
    assert.equal((await tree.lookup(at('/f')))?.size, 18);
    assert.equal(await readText(tree, at('/f')), 'front file, longer');
    assert.equal(settled, 0);
    const again = openLiveTree(store, await recitedRoot(tree));
    assert.equal(await readText(again, at('/f')), 'front file, longer');
    assert.equal(settled, 1);
  });
});
