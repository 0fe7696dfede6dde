import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openArchiveFile } from '../../../../core/archive/archive-file.ts';
import type { Octets } from '../../../../core/base/octets.ts';
import type { HashBlock } from '../../../../core/block/block.ts';
import { PendingBlocks } from '../../../../core/block/block-sink.ts';
import { digestHex } from '../../../../core/block/hashcode.ts';
import { openDatadir } from '../../../../core/datadir/datadir.ts';
import type { Datadir } from '../../../../core/datadir/datadir-store.ts';
import { storeDir } from '../../../../core/dirent/dir-codec.ts';
import { formatDirent } from '../../../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../../../core/dirent/empty-root.ts';
import type { ReadyContent } from '../../../../core/http/kept/ready-contents.ts';
import { ReadyContents } from '../../../../core/http/kept/ready-contents.ts';
import { serveWeb } from '../../../../core/http/server.ts';
import { archiveOf } from '../../../../core/store/archive-of-store.ts';
import { stored, superblock } from '../../../support/bombs/bomb.ts';
import { makeRandom } from '../../../support/random.ts';
import { MapSource } from '../../../support/stores/map-source.ts';
import { newStorePath } from '../../datadir/store-folder.ts';

/** The bytes of a content, if they can be had at once. */
function atHand(contents: ReadyContents, content: ReadyContent): Buffer | undefined {
  let found: Buffer | undefined;
  contents.withBytes(content, (bytes, done) => {
    found = Buffer.from(bytes);
    done?.();
  });
  return found;
}

const NEVER = new AbortController().signal;

interface Served extends AsyncDisposable {
  readonly store: Datadir;
  readonly leaves: readonly Buffer[];
  /** The content of all leaves. */
  readonly top: ReturnType<typeof superblock>;
  readonly url: string;
}

/** A Store with a content of several leaves, and a server in front of it. */
async function served(options: { readonly compression?: 'zlib'; readonly leafSize?: number } = {}): Promise<Served> {
  const store = await openDatadir(newStorePath(), { create: true, compression: options.compression ?? 'none' });
  const blocks = new MapSource(store.hashName);
  const random = makeRandom(7);
  const leaves = Array.from({ length: 8 }, (_, i) =>
    options.compression === undefined ? Buffer.from(random.bytes(options.leafSize ?? 8000 + i)) : Buffer.alloc(8000, `leaf ${i} `),
  );
  const top = superblock(
    blocks,
    leaves.map((leaf) => stored(blocks, leaf)),
  );
  for (const data of blocks.blocks.values()) await store.add(data);
  await store.flush();
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: true,
      now: () => new Date(),
      onFailure: () => undefined,
    },
    access: { table: undefined, hosts: new Set() },
  });
  return {
    store,
    leaves,
    top,
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Writes other octets over those of a leaf, wherever they lie. */
function damage({ path }: Datadir, leaf: Buffer): void {
  for (const name of readdirSync(join(path, 'data'))) {
    const file = join(path, 'data', name);
    const at = readFileSync(file).indexOf(leaf);
    if (at < 0) continue;
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(16, 'x'), 0, 16, at + 100);
    closeSync(fd);
    return;
  }
  assert.fail('the leaf is in no data file');
}

async function get(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: Buffer }> {
  return await new Promise((resolve, reject) => {
    httpRequest(url, { headers }, (response) => {
      buffer(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .on('error', reject)
      .end();
  });
}

/** Octets of all buffers, without those that nobody uses any more. */
function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

function blockUrl(url: string, { hashcode }: HashBlock): string {
  return `${url}h/${digestHex(hashcode.digest)}.${hashcode.hashName}`;
}

test('a content is read again where it lay, and only as long as those bytes are there', async () => {
  await using site = await served();
  const { store, leaves, top } = site;
  const contents = new ReadyContents(store);
  const loaded = await contents.load(top, () => true, NEVER);
  assert.ok(loaded !== undefined);
  assert.equal(loaded.content.bytes, undefined);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(atHand(contents, loaded.content), Buffer.concat(leaves));
    contents.drop(loaded.content);
  }
  damage(store, leaves[5] ?? Buffer.alloc(0));
  assert.equal(atHand(contents, loaded.content), undefined);
  await assert.rejects(
    contents.load(top, () => true, NEVER),
    { code: 'ECORRUPT' },
  );
});

test('what lay in a file that was cut short is had from the Store, or nowhere', async () => {
  await using site = await served();
  const { store, top } = site;
  const contents = new ReadyContents(store);
  const loaded = await contents.load(top, () => true, NEVER);
  assert.ok(loaded !== undefined);
  for (const name of readdirSync(join(store.path, 'data'))) truncateSync(join(store.path, 'data', name), 1000);
  assert.equal(atHand(contents, loaded.content), undefined);
});

test('memory that was given back is used again, and never while its bytes are sent', async () => {
  await using site = await served();
  const { store, leaves, top } = site;
  const contents = new ReadyContents(store);
  const loaded = await contents.load(top, () => true, NEVER);
  assert.ok(loaded !== undefined);
  const whole = Buffer.concat(leaves);
  const held: Uint8Array[] = [];
  const ends: ((() => void) | undefined)[] = [];
  for (let i = 0; i < 3; i++) {
    // As if much else had been asked for meanwhile: it is not kept.
    loaded.content.readAt = Number.NEGATIVE_INFINITY;
    contents.withBytes(loaded.content, (bytes, done) => {
      held.push(bytes);
      ends.push(done);
    });
  }
  for (const bytes of held) assert.deepEqual(Buffer.from(bytes), whole);
  assert.equal(new Set(held.map(({ buffer: memory }) => memory)).size, 3);
  ends[1]?.();
  loaded.content.readAt = Number.NEGATIVE_INFINITY;
  contents.withBytes(loaded.content, (bytes) => assert.equal(bytes.buffer, held[1]?.buffer));
});

test('what an archive has is what was recorded last, whoever did so and however often it was asked for', async () => {
  const path = newStorePath();
  await using store = await openDatadir(path, { create: true });
  const archive = archiveOf(store, 'home') ?? assert.fail('it has no archives');
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: true,
      now: () => new Date(),
      onFailure: (error) => assert.fail(String(error)),
    },
    access: { table: undefined, hosts: new Set() },
  });
  await using _ = server;
  const url = `${server.url}archive/home/`;
  const other = openArchiveFile(archive.name);
  for (let n = 0; n < 12; n++) {
    const text = `text ${n % 5}`;
    const pending = new PendingBlocks(store.hashName);
    const file = {
      kind: 'file',
      name: 'a' as Octets,
      meta: {},
      block: { kind: 'literal', span: text.length, data: Buffer.from(text) },
    } as const;
    const block = storeDir(pending, [file]);
    await pending.flushTo(store);
    const line = { whenNs: BigInt(n), dirent: { ...EMPTY_ROOT, block } };
    await (n % 2 === 0 ? archive : other).append(async () => await Promise.resolve(line));
    const pages = new Set<string>();
    for (let times = 0; times < 3; times++) {
      assert.equal((await get(`${url}a`)).body.toString(), text);
      pages.add((await get(url)).body.toString());
    }
    assert.equal(pages.size, 1);
  }
  const before = await get(url);
  await archive.append(async () => await Promise.resolve({ whenNs: 99n, dirent: EMPTY_ROOT }));
  assert.notDeepEqual(await get(url), before);
  assert.equal((await get(`${url}a`)).status, 404);
});

test('large contents that slow clients hold keep within a size, and nobody is refused', async (t) => {
  const sizes = Array.from({ length: 12 }, (_, i) => 14_000_000 + i);
  await using store = await openDatadir(newStorePath(), { create: true });
  const urls: string[] = [];
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: true,
      now: () => new Date(),
      onFailure: (error) => assert.fail(String(error)),
    },
    access: { table: undefined, hosts: new Set() },
  });
  await using _ = server;
  const leaf = (await store.add(Buffer.alloc(1_000_000, 'x'))).hashcode;
  for (const size of sizes) {
    const blocks = new MapSource(store.hashName);
    const last = stored(blocks, Buffer.alloc(size - 13_000_000, 'y'));
    const top = superblock(blocks, [
      ...Array.from({ length: 13 }, () => ({ kind: 'hash', span: 1_000_000, hashcode: leaf }) as const),
      last,
    ]);
    for (const data of blocks.blocks.values()) await store.add(data);
    await store.flush();
    urls.push(`${server.url}d/${encodeURIComponent(formatDirent({ kind: 'file', name: 'a' as Octets, meta: {}, block: top }))}`);
  }
  for (const url of urls) for (let i = 0; i < 2; i++) assert.equal((await get(url)).status, 200);
  const held = urls.map((url) => httpRequest(url).end());
  t.after(() => {
    for (const one of held) one.destroy();
  });
  const before = bytesInUse();
  const answers = await Promise.all(held.map(async (one) => (await once(one, 'response')) as [IncomingMessage]));
  assert.deepEqual(
    answers.map(([one]) => Number(one.headers['content-length'])),
    sizes,
  );
  const grown = bytesInUse() - before;
  assert.ok(grown < 110 * 1024 * 1024, `${grown} octets more`);
  const [first] = answers[0] ?? assert.fail();
  assert.equal((await buffer(first)).length, sizes[0]);
});

test('what is compressed is kept in memory alone', async () => {
  await using site = await served({ compression: 'zlib' });
  const { store, leaves, top } = site;
  const contents = new ReadyContents(store);
  const loaded = await contents.load(top, () => true, NEVER);
  assert.ok(loaded !== undefined);
  assert.equal(loaded.content.places, undefined);
  assert.deepEqual(atHand(contents, loaded.content), Buffer.concat(leaves));
  contents.drop(loaded.content);
  assert.equal(atHand(contents, loaded.content), undefined);
});

test('a large content is read whole when it is asked for again', async () => {
  await using site = await served({ leafSize: 250_000 });
  const { store, leaves, top } = site;
  const contents = new ReadyContents(store);
  assert.equal(await contents.load(top, () => true, NEVER), undefined);
  const loaded = await contents.load(top, () => true, NEVER);
  assert.deepEqual(loaded && atHand(contents, loaded.content), Buffer.concat(leaves));
});

test('what was answered before is answered again, whole or in part; what was damaged since is not', async () => {
  await using site = await served();
  const { store, leaves, top, url } = site;
  const blocks = new MapSource(store.hashName);
  const first = leaves[0] ?? Buffer.alloc(0);
  assert.equal(top.kind, 'indirect');
  const leaf = blockUrl(url, stored(blocks, first) as HashBlock);
  for (let i = 0; i < 3; i++) {
    const whole = await get(leaf);
    assert.deepEqual([whole.status, whole.body], [200, first]);
    const part = await get(leaf, { range: 'bytes=10-19' });
    assert.deepEqual([part.status, part.body], [206, first.subarray(10, 20)]);
  }
  const second = leaves[1] ?? Buffer.alloc(0);
  const other = blockUrl(url, stored(blocks, second) as HashBlock);
  // Once from the Store: it is not in memory then.
  assert.deepEqual((await get(other)).body, second);
  damage(store, second);
  // What was verified before is still in memory as it was.
  assert.deepEqual(await get(other), { status: 200, body: second });
});
