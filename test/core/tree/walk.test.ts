import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BlockSource } from '../../../core/block/block-source.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { diffDirents } from '../../../core/tree/diff/diff.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { WalkItem } from '../../../core/tree/walk.ts';
import { walkDirent } from '../../../core/tree/walk.ts';
import { at, contentOf, octets } from '../../support/trees/tree-lines.ts';

async function sampleTree(store: MemoryStore): Promise<DirDirent> {
  const tree = openLiveTree(store, undefined);
  for (const path of ['/a', '/a/b', '/c', '/empty']) await tree.mkdir(at(path), {});
  for (const path of ['/a/b/f', '/a/g', '/h'])
    await tree.write(at(path), contentOf(`content of ${path}, not so short as to be literal`), {});
  await tree.link(at('/a/b/f'), at('/c/f'));
  await tree.symlink(at('/s'), octets('a/b'), {});
  return (await tree.sync()) as DirDirent;
}

/** A source that counts what is read of it, and lacks what it is told. */
function counting(store: MemoryStore): BlockSource & { reads: number; missing: boolean } {
  const source = {
    name: store.name,
    reads: 0,
    missing: false,
    get: async (...of: Parameters<MemoryStore['get']>) => {
      source.reads++;
      return source.missing ? undefined : await store.get(...of);
    },
  };
  return source;
}

function line(item: WalkItem): string {
  return item.kind === 'node' && item.link !== undefined ? `link ${item.path} ${item.link.nlink}` : `${item.kind} ${item.path}`;
}

describe('a walk of a Dirent', () => {
  it('lets the event loop turn, so that a cancel is heard, and ends by it', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    const names = Array.from({ length: 2000 }, (_, i) => at(`/d/${i}`));
    await tree.mkdir(at('/d'), {});
    for (const name of names) await tree.mkdir(name, {});
    for (let copies = 0; copies < 50; copies++) await tree.copy(at('/d'), at(`/again${copies}`));
    const root = (await tree.sync()) as DirDirent;
    const cancel = new AbortController();
    setImmediate(() => cancel.abort());
    await assert.rejects(
      async () => {
        for await (const _ of walkDirent(store, root, { signal: cancel.signal }));
      },
      { code: 'ECANCELLED' },
    );
  });

  it('goes depth first by name, gives Dirs before and after, and hard links as their nodes', async () => {
    const store = new MemoryStore();
    const root = await sampleTree(store);
    const lines: string[] = [];
    const keys = new Set<string>();
    for await (const item of walkDirent(store, root)) {
      lines.push(line(item));
      if (item.kind === 'node' && item.link !== undefined) {
        keys.add(item.link.key);
        assert.equal(item.dirent.kind, 'file');
        assert.equal(item.dirent.name, 'f');
      }
    }
    assert.deepEqual(lines, [
      'enter /',
      'enter /a',
      'enter /a/b',
      'link /a/b/f 2',
      'leave /a/b',
      'node /a/g',
      'leave /a',
      'enter /c',
      'link /c/f 2',
      'leave /c',
      'enter /empty',
      'leave /empty',
      'node /h',
      'node /s',
      'leave /',
    ]);
    assert.equal(keys.size, 1);
  });

  it('passes over what it is told to skip', async () => {
    const store = new MemoryStore();
    const walk = walkDirent(store, await sampleTree(store), { path: at('/top') });
    const lines: string[] = [];
    for (let step = await walk.next(); step.done !== true; ) {
      lines.push(line(step.value));
      step = await walk.next(step.value.path === '/top/a' ? 'skip' : undefined);
    }
    assert.deepEqual(lines.slice(0, 4), ['enter /top', 'enter /top/a', 'leave /top/a', 'enter /top/c']);
  });

  it('names what it cannot read, and goes on if asked to', async () => {
    const store = new MemoryStore();
    const root = await sampleTree(store);
    const source = counting(store);
    const lines: string[] = [];
    for await (const item of walkDirent(source, root, { damage: true })) {
      lines.push(line(item));
      // What was opened is read already; from here on every Block is missing.
      if (item.path === '/a' && item.kind === 'enter') source.missing = true;
    }
    assert.deepEqual(lines.slice(1, 6), ['enter /a', 'damage /a', 'leave /a', 'enter /c', 'damage /c/f']);
    assert.deepEqual(lines.slice(-2), ['node /s', 'leave /']);
    const strict = async (): Promise<void> => {
      for await (const _item of walkDirent(source, root));
    };
    await assert.rejects(strict(), { code: 'EMISSING' });
  });
});

describe('a diff of two Dirents', () => {
  it('gives what was added, removed and changed, by path', async () => {
    const store = new MemoryStore();
    const before = await sampleTree(store);
    const tree = openLiveTree(store, before);
    await tree.write(at('/a/g'), contentOf('new content'), {});
    await tree.setMeta(at('/h'), { mode: 0o600 });
    await tree.setMeta(at('/c'), { mode: 0o700 });
    await tree.remove(at('/s'));
    await tree.mkdir(at('/s'), {});
    await tree.write(at('/s/new'), contentOf('x'), {});
    await tree.remove(at('/empty'));
    const after = (await tree.sync()) as DirDirent;
    const lines = async (options: { below?: boolean }): Promise<string[]> => {
      const found: string[] = [];
      for await (const item of diffDirents(store, before, after, options)) {
        found.push(
          item.kind === 'changed'
            ? `changed ${item.path}${item.content ? ' content' : ''}${item.meta ? ' meta' : ''}`
            : `${item.kind} ${item.path}`,
        );
      }
      return found;
    };
    const shallow = ['changed /a/g content', 'changed /c meta', 'removed /empty', 'changed /h meta', 'removed /s', 'added /s'];
    assert.deepEqual(await lines({ below: false }), shallow);
    assert.deepEqual(await lines({}), [...shallow, 'added /s/new']);
  });

  it('finds a changed node under every name of it, though no Dir changed', async () => {
    const store = new MemoryStore();
    const before = await sampleTree(store);
    const tree = openLiveTree(store, before);
    await tree.write(at('/c/f'), contentOf('another content'), {});
    const after = (await tree.sync()) as DirDirent;
    assert.deepEqual(after.block, before.block);
    const paths: string[] = [];
    for await (const item of diffDirents(store, before, after)) paths.push(`${item.kind} ${item.path}`);
    assert.deepEqual(paths, ['changed /a/b/f', 'changed /c/f']);
  });

  it('reads nothing of Dirs that are the same', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    for (let i = 0; i < 50; i++) {
      await tree.mkdir(at(`/d${i}`), {});
      for (let j = 0; j < 5; j++) await tree.write(at(`/d${i}/${j}`), contentOf(`content ${i} ${j}`), {});
    }
    const before = (await tree.sync()) as DirDirent;
    await tree.write(at('/d17/3'), contentOf('changed'), {});
    const after = (await tree.sync()) as DirDirent;
    const source = counting(store);
    const paths: string[] = [];
    for await (const item of diffDirents(source, before, after)) paths.push(item.path);
    assert.deepEqual(paths, ['/d17/3']);
    assert.ok(source.reads <= 12, `${source.reads} Blocks read`);
  });
});
