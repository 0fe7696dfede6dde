import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { octetsFromText } from '../../../../core/base/octets.ts';
import { makeNode } from '../../../../core/base/system/libc.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { openLocalTree } from '../../../../core/tree/local/local-tree.ts';
import { treeSuite } from '../../../conformance/tree-suite.ts';
import { makeScratch } from '../../../support/scratch.ts';
import { at, contentOf, octets } from '../../../support/trees/tree-lines.ts';

treeSuite(
  'an ordinary directory as a tree',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vtftp-tree-'));
    const store = new MemoryStore();
    return {
      tree: openLocalTree(octetsFromText(folder), store),
      binds: false,
      close: async () => {
        rmSync(folder, { recursive: true });
        await store[Symbol.asyncDispose]();
      },
    };
  },
  15,
);

it('a local directory keeps every change within itself, wherever its symlinks lead', async (t) => {
  const scratch = makeScratch(t);
  const inside = scratch.mkdir('inside');
  const outside = scratch.mkdir('outside');
  writeFileSync(join(outside, 'secret'), 'untouched');
  symlinkSync(join(outside, 'secret'), join(inside, 'file'));
  symlinkSync('../outside', join(inside, 'above'));
  symlinkSync('../../../../../../etc', join(inside, 'conf'));
  mkdirSync(join(inside, 'd'));
  const tree = openLocalTree(octetsFromText(inside), new MemoryStore());
  assert.equal(await tree.lookup(at('/file')), undefined);
  assert.equal(await tree.lookup(at('/above/secret')), undefined);
  assert.equal(await tree.lookup(at('/conf/passwd')), undefined);
  await assert.rejects(tree.write(at('/file'), contentOf('changed'), {}), /no such file/);
  await assert.rejects(tree.write(at('/above/secret'), contentOf('changed'), {}), /no such file/);
  await tree.symlink(at('/d/up'), octets('../../..'), {});
  await tree.write(at('/d/up/new'), contentOf('stays inside'), {});
  assert.equal(readFileSync(join(inside, 'new'), 'utf8'), 'stays inside');
  await tree.remove(at('/above'), { recursive: true });
  await tree.remove(at('/d'), { recursive: true });
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'untouched');
  assert.ok(!existsSync(join(inside, 'above')));
});

it('a local directory that does not exist, or is a file, cannot be opened', (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('file'), '');
  for (const name of ['missing', 'file']) {
    assert.throws(() => openLocalTree(octetsFromText(scratch.path(name)), new MemoryStore()), { code: 'EOPEN' });
  }
});

it('a local write that fails in the middle leaves the old file and no other', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'old');
  const folder = scratch.mkdir('tree');
  writeFileSync(join(folder, 'f'), 'old');
  const tree = openLocalTree(octetsFromText(folder), new MemoryStore());
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('new');
    throw new Error('the source is gone');
  }
  await assert.rejects(tree.write(at('/f'), failing(), {}), /the source is gone/);
  const names: string[] = [];
  for await (const entry of tree.list(at('/'))) names.push(entry.name);
  assert.deepEqual(names, ['f']);
  assert.equal(readFileSync(join(folder, 'f'), 'utf8'), 'old');
});

it('a local copy keeps permissions, times, extended attributes, symlinks, FIFOs and hard links among the copied', async (t) => {
  const folder = makeScratch(t).mkdir('tree');
  const tree = openLocalTree(octetsFromText(folder), new MemoryStore());
  await tree.mkdir(at('/d'), {});
  await tree.write(at('/d/f'), contentOf('content'), { mode: 0o4750, mtimeNs: -1_000_000_001n });
  await tree.link(at('/d/f'), at('/d/g'));
  await tree.link(at('/d/f'), at('/outside'));
  await tree.symlink(at('/d/l'), octets('../\xff'), { mtimeNs: 5n });
  makeNode(Buffer.from(join(folder, 'd', 'fifo')), 0o010640, { major: 0, minor: 0 });
  const xattrs = new Map([[octets('user.test'), Uint8Array.of(0, 1, 255)]]);
  const hasXattrs = await tree.setMeta(at('/d/f'), { xattrs }).then(
    () => true,
    () => false,
  );
  await tree.setMeta(at('/d'), { mode: 0o2710, mtimeNs: 1_000_000_000_123_456_789n });
  await tree.copy(at('/d'), at('/copy'));
  const facts = async (dir: string): Promise<unknown[]> => {
    const found: unknown[] = [];
    const top = await tree.lookup(at(dir));
    found.push([top?.dirent.meta.mode, top?.dirent.meta.mtimeNs]);
    for await (const { name, path, size } of tree.list(at(dir))) {
      const entry = await tree.lookup(path, { follow: false });
      const meta = entry?.dirent.meta;
      found.push([name, entry?.dirent.kind, size, meta?.mode, meta?.mtimeNs, meta?.uid, hasXattrs ? meta?.xattrs : undefined]);
    }
    return found;
  };
  assert.deepEqual(await facts('/copy'), await facts('/d'));
  assert.equal((await tree.lookup(at('/copy/f')))?.id, (await tree.lookup(at('/copy/g')))?.id);
  assert.equal((await tree.lookup(at('/copy/f')))?.nlink, 2);
  assert.equal((await tree.lookup(at('/d/f')))?.nlink, 3);
  await tree.setMeta(at('/copy/f'), { xattrs: null });
  assert.equal((await tree.lookup(at('/copy/f')))?.dirent.meta.xattrs, undefined);
});
