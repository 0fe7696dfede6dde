import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { gatherContents } from '../../../core/http/gathered-contents.ts';
import type { TarMember } from '../../../core/http/tar/tar-header.ts';
import { tarRange, tarSize } from '../../../core/http/tar/tar-stream.ts';
import { knownCrcs, zipRange, zipSize } from '../../../core/http/zip/zip-stream.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { damageContent } from '../../support/stores/damage-content.ts';

const NEVER = new AbortController().signal;
const SIZES = [0, 1, 511, 512, 513, 3000, 40_000, 128 * 1024, 128 * 1024 + 1, 700_000];

interface Made {
  readonly content: Buffer;
  readonly block: Block;
}

/** Contents of all sizes, some of them twice, stored. */
async function storeContents(store: Store, seed: number): Promise<readonly Made[]> {
  const random = makeRandom(seed);
  await using ingest = new Ingest(store);
  const made: Made[] = [{ content: Buffer.alloc(50_000), block: { kind: 'run', span: 50_000, octet: 0 } }];
  for (let i = 0; i < 60; i++) {
    const content = Buffer.from(random.bytes(SIZES[i % SIZES.length] ?? 0));
    const block = content.length === 0 ? EMPTY_BLOCK : await ingest.bytes(content);
    made.push({ content, block });
    if (i % 7 === 0) made.push({ content, block });
  }
  await ingest.flushPending();
  await store.flush();
  return made;
}

function membersOf(made: readonly Made[]): readonly TarMember[] {
  return made.map(({ block }, i) => {
    // Of whole seconds and not: the headers have different sizes.
    const meta = { mode: 0o640, mtimeNs: 1_700_000_000_000_000_000n + (i % 2 === 0 ? 0n : 5n) };
    return { path: `t/file ${i}` as Octets, node: { kind: 'file', name: 'x' as Octets, meta, block } };
  });
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await Promise.resolve(item);
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return Buffer.concat(all);
}

async function openFolder(t: TestContext): Promise<Store> {
  const store = await openDatadir(join(makeScratch(t).folder, 'store'), { create: true });
  t.after(async () => await store[Symbol.asyncDispose]());
  return store;
}

/** The same Store, as one that does not tell where its Blocks are. */
function withoutLocations(store: Store): Store {
  return new Proxy(store, {
    get(target, key) {
      if (key === 'offers') return { location: 'hidden' };
      if (key === 'wraps') return target;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const STORES: readonly { readonly name: string; readonly open: (t: TestContext) => Promise<Store>; readonly isGathered: boolean }[] = [
  { name: 'a datadir', open: openFolder, isGathered: true },
  { name: 'a Store that gives records', open: async (t) => withoutLocations(await openFolder(t)), isGathered: true },
  { name: 'a Store that gives Blocks alone', open: async () => await Promise.resolve(new MemoryStore()), isGathered: false },
];

for (const { name, open, isGathered } of STORES) {
  test(`small contents of ${name} are gathered as they were stored`, async (t) => {
    const store = await open(t);
    const made = await storeContents(store, 1);
    let count = 0;
    for await (const group of gatherContents(store, each(made), NEVER)) {
      for (const { item, bytes } of group) {
        assert.equal(item, made[count++]);
        const isSmall = item.content.length > 0 && item.content.length <= 128 * 1024;
        if (!isGathered || !isSmall) assert.equal(bytes, undefined);
        else assert.ok(bytes !== undefined && item.content.equals(bytes), `${item.content.length} bytes`);
      }
    }
    assert.equal(count, made.length);
  });

  test(`any part of a tar and of a zip of ${name} is that of the whole`, async (t) => {
    const store = await open(t);
    const made = await storeContents(store, 2);
    const members = membersOf(made);
    const tar = async (start: number, end: number): Promise<Buffer> => await joined(tarRange(store, each(members), { start, end }, NEVER));
    const zip = { source: store, members: () => each(members), crcs: knownCrcs() };
    const zipPart = async (start: number, end: number): Promise<Buffer> => await joined(zipRange(zip, { start, end }, NEVER));
    const seed = Date.now() % 1_000_000;
    for (const { size, part } of [
      { size: await tarSize(each(members)), part: tar },
      { size: await zipSize(zip, NEVER), part: zipPart },
    ]) {
      const whole = await part(0, size);
      assert.equal(whole.length, size);
      for (const { content } of made) assert.ok(whole.includes(content));
      const random = makeRandom(seed);
      for (let i = 0; i < 60; i++) {
        const start = random.below(size);
        const end = start + 1 + random.below(i % 2 === 0 ? size - start : Math.min(2000, size - start));
        assert.ok((await part(start, end)).equals(whole.subarray(start, end)), `seed ${seed}: ${start} to ${end}`);
      }
      assert.ok((await part(size - 3, size)).equals(whole.subarray(size - 3)), 'the last three bytes');
    }
  });
}

test('a damaged small content is left to the Store, which says so; the others are gathered', async (t) => {
  const scratch = makeScratch(t);
  const folder = join(scratch.folder, 'store');
  await using store = await openDatadir(folder, { create: true });
  const made = await storeContents(store, 3);
  const damaged = made.find(({ content }) => content.length === 3000);
  assert.ok(damaged !== undefined);
  damageContent(folder, damaged.content, 100);
  for await (const group of gatherContents(store, each(made), NEVER))
    for (const { item, bytes } of group)
      if (item.content.length > 0 && item.content.length <= 128 * 1024) assert.equal(bytes === undefined, item.block === damaged.block);
  const members = membersOf(made);
  const size = await tarSize(each(members));
  await assert.rejects(
    joined(tarRange(store, each(members), { start: 0, end: size }, NEVER)),
    (error) => error instanceof VtError && error.code === 'ECORRUPT',
  );
});
