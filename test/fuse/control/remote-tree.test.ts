import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { addCounts } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { treeSuite } from '../../conformance/tree-suite.ts';
import { serveTestTree } from '../../support/links/served-tree.ts';
import { at, contentOf, octets, readText, treeLines } from '../../support/trees/tree-lines.ts';

async function served(): Promise<{
  readonly live: ReturnType<typeof openLiveTree>;
  readonly served: Awaited<ReturnType<typeof serveTestTree>>;
  readonly close: () => Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-control-'));
  const live = openLiveTree(new MemoryStore(), undefined);
  const serving = await serveTestTree(live, folder);
  return {
    live,
    served: serving,
    async close() {
      await serving[Symbol.asyncDispose]();
      await live[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

treeSuite(
  'the tree of a mount over its control channel',
  async () => {
    const { served: serving, close } = await served();
    return { tree: await serving.attach(), binds: true, close };
  },
  20,
);

describe('a tree over the control channel', () => {
  it('two that are attached and the live tree itself see each change at once', async () => {
    const { live, served: serving, close } = await served();
    const first = await serving.attach();
    const second = await serving.attach();
    await first.mkdir(at('/d'), { mode: 0o755 });
    await second.write(at('/d/f'), contentOf('from the second'), {});
    await live.symlink(at('/s'), octets('d/f'), {});
    assert.equal(await readText(first, at('/s')), 'from the second');
    assert.deepEqual(await treeLines(first), await treeLines(live));
    assert.deepEqual(await treeLines(second), await treeLines(live));
    assert.ok(!first.isAt());
    await first.sync();
    assert.ok(first.isAt());
    await close();
  });

  it('reads a Dir of thousands of entries and a large content a page at a time', async () => {
    const { live, served: serving, close } = await served();
    const tree = await serving.attach();
    await tree.mkdir(at('/many'), {});
    for (let i = 0; i < 2000; i++) await live.symlink(at(`/many/${i}`), octets('x'), {});
    const names: string[] = [];
    for await (const { name, path } of tree.list(at('/many'))) {
      assert.equal(path, `/many/${name}`);
      // Something else is asked while the listing is under way.
      if (names.length % 700 === 0) assert.equal(await tree.readlink(path), 'x');
      names.push(name);
    }
    assert.equal(names.length, 2000);
    const text = Array.from({ length: 300_000 }, (_, i) => String(i)).join(' ');
    await tree.write(at('/large'), contentOf(text), {});
    assert.equal(await readText(tree, at('/large')), text);
    await close();
  });

  it('tells whoever watches of the changes of others', async () => {
    const { live, served: serving, close } = await served();
    const tree = await serving.attach();
    const changes = tree.watch();
    let isTold = false;
    const next = changes.next().then(({ value }) => {
      isTold = true;
      return value;
    });
    // Until the watch has begun nobody is told.
    for (let i = 0; !isTold; i++) {
      await live.mkdir(at(`/d${i}`), {});
      await tree.lookup(at('/'));
    }
    assert.deepEqual((await next)?.kind, 'names');
    await changes.return(undefined);
    await close();
  });

  it('refuses requests that it cannot read, and goes on', async () => {
    const { served: serving, close } = await served();
    using channel = await serving.connect();
    for (const request of [
      { request: 'none' },
      { request: 'constructor' },
      { request: 'lookup' },
      { request: 'lookup', path: 'relative' },
      { request: 'lookup', path: '/a/../b' },
      { request: 'mkdir', path: '/d', meta: 'M{mode:99}' },
      { request: 'bind', path: '/d', dirent: 'D{' },
      { request: 'bind', path: '/', dirent: 'SymLink{target:"x"}' },
      { request: 'meta', path: '/', meta: 'M{}', drop: ['name'] },
      { request: 'read', path: '/', start: -1 },
      { request: 'more', of: 7 },
    ])
      await assert.rejects(channel.ask(request), VtError, JSON.stringify(request));
    assert.equal((await channel.ask({ request: 'lookup', path: '/' }))['done'], true);
    await close();
  });

  it('gives no more than 64 sequences at a time, and ends those of a client that has gone', async () => {
    const { live, served: serving, close } = await served();
    for (let i = 0; i < 600; i++) await live.symlink(at(`/${i}`), octets('x'), {});
    {
      using channel = await serving.connect();
      for (let i = 0; i < 64; i++) assert.notEqual((await channel.ask({ request: 'list', path: '/' }))['more'], undefined);
      await assert.rejects(channel.ask({ request: 'list', path: '/' }), /64 are open/);
    }
    using other = await serving.connect();
    assert.notEqual((await other.ask({ request: 'list', path: '/' }))['more'], undefined);
    await close();
  });

  it('says in one error, always the same, that the mount has gone', async () => {
    const { served: serving, close } = await served();
    const tree = await serving.attach();
    const waiting = assert.rejects(tree.lookup(at('/')), /mount has ended/);
    await close();
    await waiting;
    const first: unknown = await tree.lookup(at('/')).catch((error: unknown) => error);
    assert.ok(first instanceof VtError && first.code === 'EOPEN');
    assert.equal(await tree.sync().catch((error: unknown) => error), first);
  });

  it('carries Blocks both ways, verified, and tells which were new', async () => {
    const { live, served: serving, close } = await served();
    const { store } = await serving.attach();
    const large = new Uint8Array(2_000_000).fill(7);
    const added = await store.addBatch(
      [large, Buffer.from('small'), Buffer.from('small')].map((data) => ({ digest: hashcodeOf(store.hashName, data).digest, data })),
    );
    assert.deepEqual(added, [true, true, false]);
    assert.deepEqual(await live.store.get(hashcodeOf(store.hashName, large)), large);
    assert.equal((await store.add(large)).isNew, false);
    assert.deepEqual(Buffer.from((await store.get(hashcodeOf(store.hashName, Buffer.from('small')))) ?? []).toString(), 'small');
    assert.equal(await store.get(hashcodeOf(store.hashName, Buffer.from('absent'))), undefined);
    assert.deepEqual(await store.has([hashcodeOf(store.hashName, large), hashcodeOf('sha1', large)]), [true, false]);
    assert.deepEqual([addCounts(store).newBlocks, addCounts(store).existingBlocks], [2, 2]);
    await close();
  });
});
