import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VtError } from '../../../../core/base/errors.ts';
import { readDir } from '../../../../core/dirent/dir-codec.ts';
import type { DirDirent } from '../../../../core/dirent/dirent.ts';
import { formatDirent, parseDirent } from '../../../../core/dirent/dirent-text.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { openLiveTree } from '../../../../core/tree/live/live-tree.ts';
import type { Tree } from '../../../../core/tree/tree.ts';
import { treeSuite } from '../../../conformance/tree-suite.ts';
import { checkStored } from '../../../support/trees/check-stored.ts';
import { at, contentOf, octets, readText, recitedRoot, treeLines } from '../../../support/trees/tree-lines.ts';

treeSuite(
  'a live tree over a memory Store',
  async () => {
    const store = new MemoryStore();
    return Promise.resolve({
      tree: openLiveTree(store, undefined),
      binds: true,
      reopen: async (tree) => {
        const dirent = await recitedRoot(tree);
        await checkStored(store, dirent);
        return openLiveTree(store, dirent);
      },
      close: () => store[Symbol.asyncDispose](),
    });
  },
  60,
);

/** Blocks that a Store got while `work` ran. */
async function newBlocks(store: MemoryStore, work: () => Promise<unknown>): Promise<number> {
  const before = store.counts().newBlocks;
  await work();
  return store.counts().newBlocks - before;
}

async function allHashcodes(store: MemoryStore): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { digest } of store.hashcodes()) found.add(Buffer.from(digest).toString('hex'));
  return found;
}

/** A Dir of so many empty files, synced. */
async function largeDir(store: MemoryStore, count: number): Promise<DirDirent> {
  const tree = openLiveTree(store, undefined);
  for (let i = 0; i < count; i++) {
    const name = octets(`file-${String(i).padStart(6, '0')}`);
    await tree.bind(at(`/${name}`), {
      kind: 'file',
      name,
      meta: { mode: 0o644, mtimeNs: BigInt(i) },
      block: { kind: 'run', span: i, octet: 0 },
    });
  }
  return await recitedRoot(tree);
}

describe('a live tree', () => {
  it('binding a Dirent attaches its tree and adds no Blocks but those of the Dirs above', async () => {
    const store = new MemoryStore();
    const source = openLiveTree(store, undefined);
    await source.mkdir(at('/d'), {});
    for (let i = 0; i < 100; i++) await source.write(at(`/d/${i}`), contentOf(`content of the file ${i}, longer than a literal`), {});
    const text = formatDirent(await source.dirent(at('/d')));
    const tree = openLiveTree(store, undefined);
    const added = await newBlocks(store, async () => {
      await tree.bind(at('/bound'), parseDirent(text) as DirDirent);
      await tree.sync();
    });
    assert.ok(added <= 1, `${added} new Blocks`);
    assert.equal(await readText(tree, at('/bound/17')), 'content of the file 17, longer than a literal');
    const again = await newBlocks(store, async () => {
      await tree.copy(at('/bound'), at('/copy'));
      await tree.sync();
    });
    assert.ok(again <= 1, `${again} new Blocks`);
  });

  it('binding what stands there already changes nothing', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    await tree.mkdir(at('/d'), { mtimeNs: 5n });
    await tree.write(at('/d/f'), contentOf('f'), { mode: 0o600 });
    await tree.setMeta(at('/d'), { mtimeNs: 5n });
    const root = await tree.sync();
    await tree.bind(at('/d/f'), await tree.dirent(at('/d/f')));
    await tree.bind(at('/d'), await tree.dirent(at('/d')));
    assert.ok(tree.isAt(root));
    assert.equal((await tree.lookup(at('/d')))?.dirent.meta.mtimeNs, 5n);
  });

  it('append adds to the end of a file, keeps its metadata, and loses nothing of what others append meanwhile', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined, { nowNs: () => 7n });
    const reference = openLiveTree(new MemoryStore(), undefined, { nowNs: () => 7n });
    const base = 'a line that is repeated often\n'.repeat(5000);
    await tree.append(at('/log'), contentOf(base), { mode: 0o600, mtimeNs: 1n });
    await tree.link(at('/log'), at('/other-name'));
    await tree.append(at('/log'), contentOf('more\n'), { mode: 0o777, mtimeNs: 3n });
    assert.equal(await readText(tree, at('/other-name')), `${base}more\n`);
    const meta = (await tree.lookup(at('/log')))?.dirent.meta;
    assert.equal(meta?.mode, 0o600);
    assert.equal(meta?.mtimeNs, 3n);
    await reference.write(at('/x'), contentOf(`${base}more\n`), {});
    const blockOf = async (one: Tree, path: string): Promise<unknown> => {
      const { dirent } = (await one.lookup(at(path))) ?? {};
      return dirent?.kind === 'file' ? dirent.block : undefined;
    };
    assert.deepEqual(await blockOf(tree, '/log'), await blockOf(reference, '/x'));
    const parts = Array.from({ length: 12 }, (_, i) => `part ${i} ${'x'.repeat(i * 300)}\n`);
    await Promise.all(parts.map((part) => tree.append(at('/log'), contentOf(part), {})));
    const text = await readText(tree, at('/log'));
    assert.equal(text.length, base.length + 5 + parts.join('').length);
    for (const part of parts) assert.ok(text.includes(part));
    await assert.rejects(tree.append(at('/'), contentOf('x'), {}), /EISDIR|director/i);
  });

  it('the Dirref that sync gives opens the very same tree, and its sync gives the same Dirref', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    await tree.mkdir(at('/d'), { mode: 0o2750, uid: 1, gid: 2, user: octets('bin'), mtimeNs: -5n });
    await tree.write(at('/d/a'), contentOf('content'), { mode: 0o4755, xattrs: new Map([[octets('user.x'), Uint8Array.of(0, 255)]]) });
    await tree.link(at('/d/a'), at('/b'));
    await tree.symlink(at('/l'), octets('d/\xff'), {});
    await tree.bind(at('/fifo'), { kind: 'fifo', name: octets('fifo'), meta: { mode: 0o600 } });
    await tree.bind(at('/null'), { kind: 'char', name: octets('null'), meta: { rdev: { major: 1, minor: 3 } } });
    const text = formatDirent(await tree.sync());
    const again = openLiveTree(store, parseDirent(text) as DirDirent);
    assert.deepEqual(await treeLines(again), await treeLines(tree));
    assert.deepEqual((await again.lookup(at('/d/a')))?.dirent, (await tree.lookup(at('/d/a')))?.dirent);
    assert.ok(again.isAt(parseDirent(text)));
    assert.equal(formatDirent(await again.sync()), text);
  });

  it('the same puts give the same Dirref everywhere: a fresh root records nothing of its own', async () => {
    const texts: string[] = [];
    for (const order of [
      ['a', 'b', 'c'],
      ['c', 'a', 'b'],
    ]) {
      const tree = openLiveTree(new MemoryStore(), undefined);
      for (const name of order) await tree.write(at(`/${name}`), contentOf(name), { mode: 0o644, mtimeNs: 1n });
      texts.push(formatDirent(await tree.sync()));
    }
    assert.equal(texts[0], texts[1]);
  });

  it('a Dir that records an mtime gets the time of each change of its entries', async () => {
    let now = 100n;
    const tree = openLiveTree(new MemoryStore(), undefined, { nowNs: () => now });
    await tree.mkdir(at('/timed'), { mtimeNs: 1n });
    await tree.mkdir(at('/untimed'), {});
    const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['write', () => tree.write(at('/timed/f'), contentOf('f'), {})],
      ['link', () => tree.link(at('/timed/f'), at('/timed/g'))],
      ['rename', () => tree.rename(at('/timed/f'), at('/timed/h'))],
      ['remove', () => tree.remove(at('/timed/g'))],
      ['mkdir', () => tree.mkdir(at('/timed/d'), {})],
    ];
    for (const [says, change] of changes) {
      now++;
      await change();
      assert.equal((await tree.lookup(at('/timed')))?.dirent.meta.mtimeNs, now, says);
    }
    await tree.write(at('/timed/h'), contentOf('new'), {});
    assert.equal((await tree.lookup(at('/timed')))?.dirent.meta.mtimeNs, now, 'content is no change of the Dir');
    await tree.write(at('/untimed/f'), contentOf('f'), {});
    assert.equal((await tree.lookup(at('/untimed')))?.dirent.meta.mtimeNs, undefined);
    assert.equal((await tree.lookup(at('/')))?.dirent.meta.mtimeNs, undefined);
  });

  it('salt hides a Dir: no Block hash in common without it or with another, the same hashes with the same', async () => {
    const hashes: Set<string>[] = [];
    const texts: string[] = [];
    for (const salt of [undefined, 'salt of a Dir', 'salt of a Dir', 'some other salt']) {
      const store = new MemoryStore();
      const tree = openLiveTree(store, undefined);
      for (let i = 0; i < 500; i++)
        await tree.bind(at(`/${i}`), {
          kind: 'file',
          name: octets(`${i}`),
          meta: { mode: 0o644 },
          block: { kind: 'run', span: i, octet: 1 },
        });
      await tree.bind(at('/linked'), { kind: 'symlink', name: octets('linked'), meta: {}, target: octets('somewhere') });
      if (salt !== undefined) await tree.setSalt(at('/'), Buffer.from(salt));
      const root = await recitedRoot(tree);
      texts.push(formatDirent(root));
      hashes.push(await allHashcodes(store));
      const again = openLiveTree(store, root);
      assert.equal((await again.lookup(at('/499')))?.size, 499);
      await again.remove(at('/0'));
      assert.deepEqual((await recitedRoot(again)).salt, root.salt, 'salt stays');
    }
    const [plain = new Set(), salted = new Set(), alike = new Set(), other = new Set()] = hashes;
    assert.equal([...salted].filter((hash) => plain.has(hash) || other.has(hash)).length, 0);
    assert.ok([...salted].every((hash) => alike.has(hash)));
    assert.equal(texts[1], texts[2]);
    assert.notEqual(texts[0], texts[1]);
  });

  it('a change of one entry in 100,000 adds a few Blocks, and a listing holds none of the rest', async () => {
    const store = new MemoryStore();
    const root = await largeDir(store, 100_000);
    const tree = openLiveTree(store, root);
    assert.equal((await tree.lookup(at('/file-077777')))?.size, 77_777);
    assert.equal(await tree.lookup(at('/file-0777777')), undefined);
    const first = tree.list(at('/'));
    assert.equal((await first.next()).value?.name, 'file-000000');
    await first.return(undefined);
    const added = await newBlocks(store, async () => {
      await tree.setMeta(at('/file-050000'), { mode: 0o600 });
      await tree.sync();
    });
    assert.ok(added >= 1 && added <= 5, `${added} new Blocks`);
    let count = 0;
    for await (const entry of openLiveTree(store, await recitedRoot(tree)).list(at('/'))) {
      if (entry.dirent.meta.mode === 0o600) assert.equal(entry.name, 'file-050000');
      count++;
    }
    assert.equal(count, 100_000);
  });

  it('keeps paths 1,000 Dirs deep', async () => {
    const store = new MemoryStore();
    const tree = openLiveTree(store, undefined);
    let path = '';
    for (let i = 0; i < 1000; i++) {
      path += `/d${i}`;
      await tree.mkdir(at(path), {});
    }
    await tree.write(at(`${path}/f`), contentOf('deep'), {});
    await tree.link(at(`${path}/f`), at('/shallow'));
    const again = openLiveTree(store, await recitedRoot(tree));
    assert.equal(await readText(again, at(`${path}/f`)), 'deep');
    await again.rename(at('/d0'), at('/moved'));
    await again.copy(at('/moved'), at('/copy'));
    assert.equal(await readText(again, at(`/copy${path.slice('/d0'.length)}/f`)), 'deep');
    await again.remove(at('/moved'), { recursive: true });
    assert.equal((await again.lookup(at('/shallow')))?.nlink, 1);
    await again.sync();
  });

  it('keeps ids while it is open, through syncs and renames', async () => {
    const tree = openLiveTree(new MemoryStore(), undefined);
    const id = async (path: string): Promise<number | undefined> => (await tree.lookup(at(path), { follow: false }))?.id;
    await tree.mkdir(at('/d'), {});
    await tree.write(at('/d/f'), contentOf('f'), {});
    const [dir, file] = [await id('/d'), await id('/d/f')];
    await tree.sync();
    assert.deepEqual([await id('/d'), await id('/d/f')], [dir, file]);
    await tree.rename(at('/d/f'), at('/g'));
    await tree.sync();
    await tree.write(at('/d/f'), contentOf('another'), {});
    assert.equal(await id('/g'), file);
    assert.notEqual(await id('/d/f'), file);
    await tree.rename(at('/d'), at('/e'));
    await tree.mkdir(at('/d'), {});
    assert.equal(await id('/e'), dir);
    assert.notEqual(await id('/d'), dir);
    await tree.link(at('/g'), at('/e/h'));
    assert.equal(await id('/e/h'), file);
    await tree.sync();
    assert.equal(await id('/g'), file);
    const listed: number[] = [];
    for await (const entry of tree.list(at('/e'))) listed.push(entry.id);
    assert.deepEqual(listed, [await id('/e/f'), await id('/e/h')]);
  });

  it('tells watchers of changes until it is closed', async () => {
    const tree = openLiveTree(new MemoryStore(), undefined);
    const changes = tree.watch();
    await tree.mkdir(at('/d'), {});
    await tree.symlink(at('/l'), octets('d'), {});
    await tree.write(at('/l/f'), contentOf('f'), {});
    await tree.setMeta(at('/l/f'), { mode: 0o600 });
    await tree[Symbol.asyncDispose]();
    const seen: string[] = [];
    for await (const { kind, path } of changes) seen.push(`${kind} ${path}`);
    assert.deepEqual(seen, ['names /d', 'names /l', 'names /d/f', 'meta /d/f']);
    await assert.rejects(tree.lookup(at('/')), { code: 'ECLOSED' });
  });

  it('is at a root whatever asks for its Blocks, and at no other', async () => {
    const tree = openLiveTree(new MemoryStore(), undefined);
    assert.ok(tree.isAt(undefined));
    await tree.mkdir(at('/d'), {});
    for (const path of ['/', '/d']) await tree.dirent(at(path));
    assert.ok(!tree.isAt(undefined), 'a root that was asked for is taken for recorded');
    const first = await tree.sync();
    assert.ok(tree.isAt(first) && tree.isAt(parseDirent(formatDirent(first))));
    await tree.setMeta(at('/'), { mode: 0o700 });
    assert.ok(!tree.isAt(first));
    const second = await tree.sync();
    assert.ok(tree.isAt(second) && !tree.isAt(first));
    await tree.bind(at('/'), first as DirDirent);
    assert.ok(tree.isAt(first) && !tree.isAt(second));
  });

  it('is as before where a sync fails, and syncs later', async () => {
    const store = new MemoryStore({ maxBytes: 2000 });
    const tree = openLiveTree(store, undefined);
    for (let i = 0; i < 100; i++) await tree.mkdir(at(`/dir-with-a-long-name-${i}`), {});
    const before = await treeLines(tree);
    await assert.rejects(tree.sync(), (error) => error instanceof VtError && error.code === 'EFAILED');
    assert.ok(!tree.isAt(undefined));
    assert.deepEqual(await treeLines(tree), before);
    for (let i = 5; i < 100; i++) await tree.remove(at(`/dir-with-a-long-name-${i}`));
    const root = await recitedRoot(tree);
    let count = 0;
    for await (const _entry of readDir(store, root.block)) count++;
    assert.equal(count, 5);
  });

  it('runs operations that are started side by side', async () => {
    const tree = openLiveTree(new MemoryStore(), undefined);
    await tree.mkdir(at('/d'), {});
    await Promise.all([
      ...Array.from({ length: 50 }, (_, i) => tree.write(at(`/d/${i}`), contentOf(`${i}`), {})),
      tree.sync(),
      ...Array.from({ length: 50 }, (_, i) => tree.lookup(at(`/d/${i}`))),
      tree.dirent(at('/d')),
    ]);
    let count = 0;
    for await (const entry of tree.list(at('/d'))) {
      assert.equal(await readText(tree, entry.path), entry.name);
      count++;
    }
    assert.equal(count, 50);
  });
});
