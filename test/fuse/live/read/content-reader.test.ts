import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Block } from '../../../../core/block/block.ts';
import { Ingest } from '../../../../core/blockify/ingest/ingest.ts';
import { openDatadir } from '../../../../core/datadir/datadir.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import type { Store } from '../../../../core/store/store.ts';
import { ContentReader } from '../../../../fuse/live/read/content-reader.ts';
import { LeafRing } from '../../../../fuse/live/read/leaf-ring.ts';
import { makeScratch } from '../../../support/scratch.ts';
import { damageContent } from '../../../support/stores/damage-content.ts';

const MIB = 1024 * 1024;
const REQUEST = 128 * 1024;
const never = (): AbortSignal => new AbortController().signal;

/** Noise with holes and runs in it. */
function sample(size: number): Buffer {
  const content = randomBytes(size);
  content.fill(0, MIB, MIB + 300_000);
  content.fill(7, 3 * MIB + 5, 3 * MIB + 70_000);
  return content;
}

async function stored(store: Store, content: Buffer): Promise<Block> {
  await using ingest = new Ingest(store);
  const block = await ingest.bytes(content);
  await ingest.flushPending();
  await store.flush();
  return block;
}

const STORES: readonly { readonly name: string; readonly open: (t: TestContext) => Promise<Store> }[] = [
  { name: 'a datadir', open: async (t) => await openDatadir(join(makeScratch(t).folder, 'store'), { create: true }) },
  { name: 'a Store that does not tell where its Blocks lie', open: async () => await Promise.resolve(new MemoryStore()) },
];

for (const { name, open } of STORES) {
  test(`what is read of ${name} from one end to the other, and here and there, is what was stored`, async (t) => {
    const store = await open(t);
    const content = sample(9 * MIB + 123);
    const block = await stored(store, content);
    using reader = new ContentReader(store, { workers: 2 });
    for (const handle of [1, 2]) {
      for (let at = 0; at < content.length; at += REQUEST) {
        const pieces = await reader.read(handle, block, at, at + REQUEST, never);
        assert.ok(Buffer.concat(pieces).equals(content.subarray(at, at + REQUEST)), `octets from ${at}`);
      }
    }
    for (let i = 0; i < 300; i++) {
      const at = Math.floor(Math.random() * content.length);
      const size = 1 + Math.floor(Math.random() * 20_000);
      const pieces = await reader.read(3, block, at, at + size, never);
      assert.ok(Buffer.concat(pieces).equals(content.subarray(at, at + size)), `${size} octets from ${at}`);
    }
    assert.deepEqual(await reader.read(3, block, content.length, content.length + 5, never), []);
    reader.close(1);
    await store[Symbol.asyncDispose]();
  });

  test(`requests for ${name} that are under way together, in another order and through many handles are answered with their octets`, async (t) => {
    const store = await open(t);
    const content = sample(6 * MIB);
    const block = await stored(store, content);
    using reader = new ContentReader(store, { workers: 2 });
    const answers: Promise<void>[] = [];
    for (let at = 0; at < content.length; at += 2 * REQUEST) {
      for (let handle = 1; handle <= 12; handle++) {
        for (const start of handle % 3 === 0 ? [at + REQUEST, at] : [at, at + REQUEST]) {
          const answer = reader.read(handle, block, start, start + REQUEST, never);
          // As the kernel is answered: at once, or in the turn in which the octets have come.
          const check = (pieces: readonly Uint8Array[]): void =>
            assert.ok(Buffer.concat(pieces).equals(content.subarray(start, start + REQUEST)));
          if (answer instanceof Promise) answers.push(answer.then(check));
          else check(answer);
        }
      }
      if (at % MIB === 0) await Promise.all(answers.splice(0));
    }
    await Promise.all(answers);
    await store[Symbol.asyncDispose]();
  });
}

test('small reads of a datadir are answered at once, without a turn of the event loop', async (t) => {
  const store = await openDatadir(join(makeScratch(t).folder, 'store'), { create: true });
  const content = sample(5 * MIB);
  const block = await stored(store, content);
  using reader = new ContentReader(store, { workers: 1 });
  for (let i = 0; i < 50; i++) {
    const at = 4096 * Math.floor(Math.random() * (content.length / 4096));
    const pieces = reader.read(1, block, at, at + 4096, never);
    assert.ok(!(pieces instanceof Promise));
    assert.ok(Buffer.concat(pieces).equals(content.subarray(at, at + 4096)));
  }
  await store[Symbol.asyncDispose]();
});

test('octets that were changed in the Store are an error to whoever reads them, and never given', async (t) => {
  const scratch = makeScratch(t);
  const store = await openDatadir(join(scratch.folder, 'store'), { create: true });
  const content = randomBytes(6 * MIB);
  const block = await stored(store, content);
  damageContent(join(scratch.folder, 'store'), content, 3 * MIB);
  using reader = new ContentReader(store, { workers: 2 });
  let failures = 0;
  for (let at = 0; at < content.length; at += REQUEST) {
    try {
      const pieces = await reader.read(1, block, at, at + REQUEST, never);
      assert.ok(Buffer.concat(pieces).equals(content.subarray(at, at + REQUEST)), `octets from ${at}`);
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'ECORRUPT');
      failures++;
    }
  }
  assert.ok(failures === 1 || failures === 2, `${failures} requests of 48 failed`);
  await store[Symbol.asyncDispose]();
});

test('a ring of leaves gives each until its octets are needed for later ones', () => {
  const ring = new LeafRing(64 * 1000);
  assert.equal(ring.takes(1001), false);
  for (let i = 0; i < 1000; i++) {
    const size = 500 + (i % 500);
    ring.room(size).fill(i & 0xff);
    ring.keep(`leaf ${i}`, size);
    for (let past = Math.max(0, i - 40); past <= i; past++) {
      const leaf = ring.find(`leaf ${past}`);
      assert.ok(leaf !== undefined, `leaf ${past} at ${i}`);
      assert.ok(leaf.every((octet) => octet === (past & 0xff)));
    }
  }
  assert.equal(ring.find('leaf 0'), undefined);
});
