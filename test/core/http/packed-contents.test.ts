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
import type { Meta } from '../../../core/dirent/meta.ts';
import type { PackedPart } from '../../../core/http/pack/gathered-contents.ts';
import { GatheredContents } from '../../../core/http/pack/gathered-contents.ts';
import type { TarMember } from '../../../core/http/tar/tar-header.ts';
import { tarHeaderSize, writeTarHeader } from '../../../core/http/tar/tar-header.ts';
import { tarRange, tarSize } from '../../../core/http/tar/tar-stream.ts';
import { knownCrcs, zipRange, zipSize } from '../../../core/http/zip/zip-stream.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { damageContent } from '../../support/stores/damage-content.ts';

const MIB = 1024 * 1024;
const NEVER = new AbortController().signal;
const SIZES = [0, 1, 511, 512, 513, 3000, 40_000, 128 * 1024, 128 * 1024 + 1, 700_000, 1_300_000];
/** Bytes of the largest content that is read with others. */
const MAX_GATHERED = 1024 * 1024;

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

/** Items in batches of several sizes, an empty one too. */
async function* each<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  for (let at = 0, size = 0; at < items.length; at += size, size = (size + 1) % 5) yield await Promise.resolve(items.slice(at, at + size));
}

type MadePart = PackedPart & Made;

/** Contents with 3 bytes before and 2 after each. */
function partsOf(made: readonly Made[]): readonly MadePart[] {
  return made.map((item) => ({ ...item, before: 3, size: item.content.length, after: 2 }));
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
    const wanted = partsOf(made);
    for await (const { bytes, parts } of new GatheredContents().groups(store, each(wanted), NEVER)) {
      let end = 0;
      for (const { part, at, room, isRead } of parts) {
        assert.equal(part, wanted[count++]);
        assert.equal(at, end);
        const { content } = part;
        const isSmall = content.length > 0 && content.length <= MAX_GATHERED;
        assert.equal(isRead, isGathered && isSmall, `${content.length} bytes`);
        assert.equal(room, isSmall ? content.length : 0);
        if (isRead) assert.ok(content.equals(bytes.subarray(at + 3, at + 3 + room)), `${content.length} bytes`);
        end = at + 3 + room + 2;
      }
      assert.equal(bytes.length, end);
    }
    assert.equal(count, made.length);
  });

  test(`any part of a tar and of a zip of ${name} is that of the whole`, async (t) => {
    const store = await open(t);
    const made = await storeContents(store, 2);
    const members = membersOf(made);
    const tar = async (start: number, end: number): Promise<Buffer> =>
      await joined(tarRange(new GatheredContents(), store, each(members), { start, end }, NEVER));
    const zip = { contents: new GatheredContents(), source: store, members: () => each(members), crcs: knownCrcs() };
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
  for await (const { parts } of new GatheredContents().groups(store, each(partsOf(made)), NEVER))
    for (const { part, room, isRead } of parts) if (room > 0) assert.equal(isRead, part.block !== damaged.block);
  const members = membersOf(made);
  const size = await tarSize(each(members));
  await assert.rejects(
    joined(tarRange(new GatheredContents(), store, each(members), { start: 0, end: size }, NEVER)),
    (error) => error instanceof VtError && error.code === 'ECORRUPT',
  );
});

test('the more downloads there are, the less memory each of them holds', async (t) => {
  const store = await openFolder(t);
  const made = await storeContents(store, 4);
  const contents = new GatheredContents();
  const sizes: number[] = [];
  const downloads = Array.from({ length: 200 }, () => contents.groups(store, each(partsOf(made)), NEVER));
  for (const download of downloads) {
    const { value } = await download.next();
    assert.ok(value !== undefined);
    sizes.push(value.bytes.length);
  }
  const last = sizes.at(-1) ?? 0;
  assert.ok(last < (2 * (16 * MIB)) / 200 + 64 * 1024, `${last} bytes held by the last of 200`);
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 80 * MIB);
  for (const download of downloads) await download.return(undefined);
  // When they have ended, one alone reads large groups again.
  for await (const { bytes } of contents.groups(store, each(partsOf(made)), NEVER)) {
    assert.ok(bytes.length > (sizes[0] ?? 0) / 2);
    break;
  }
});

test('a header of a tar fills the bytes that its size says, and no others', () => {
  const random = makeRandom(5);
  const text = (size: number): Octets => Buffer.from(random.bytes(random.below(size))).toString('latin1') as Octets;
  for (let i = 0; i < 2000; i++) {
    const meta: Meta = {
      mode: random.below(0o10000),
      uid: random.below(2) === 0 ? 0 : 0o7777777 + random.below(3),
      user: random.below(2) === 0 ? ('root' as Octets) : text(40),
      mtimeNs: [0n, -1n, 1_700_000_000_000_000_000n, 1_700_000_000_000_000_001n, 0o100000000000n * 1_000_000_000n][random.below(5)] ?? 0n,
      xattrs: new Map(random.below(4) === 0 ? [[`user.${i}` as Octets, random.bytes(700)]] : []),
    };
    const path = (random.below(2) === 0 ? 'plain/'.repeat(1 + random.below(20)) : text(300)) as Octets;
    const member: TarMember = { path, node: { kind: 'symlink', name: 'x' as Octets, meta, target: text(200) } };
    const size = tarHeaderSize(member);
    assert.equal(size % 512, 0);
    const target = Buffer.alloc(size + 20, 0xaa);
    writeTarHeader(member, target, 10);
    const around = Buffer.concat([target.subarray(0, 10), target.subarray(size + 10)]);
    assert.ok(around.equals(Buffer.alloc(20, 0xaa)));
    // The last block is the member's own header: its checksum is that of all its bytes.
    const own = target.subarray(size + 10 - 512, size + 10);
    const sum = own.reduce((all, octet, at) => all + (at >= 148 && at < 156 ? 0x20 : octet), 0);
    assert.equal(own.toString('latin1', 148, 156), `${sum.toString(8).padStart(6, '0')}\0 `);
  }
});
