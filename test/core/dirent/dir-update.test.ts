import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Octets } from '../../../core/base/octets.ts';
import { compareOctets } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import { formatBlock } from '../../../core/block/block-text.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { TreeCopier } from '../../../core/block/tree-copy.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { DirChange } from '../../../core/dirent/dir-update.ts';
import { updateDir } from '../../../core/dirent/dir-update.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import { MapSource } from '../../support/stores/map-source.ts';

/** A file whose record has about so many octets. */
function file(name: string, size: number): Dirent {
  return {
    kind: 'file',
    name: name as Octets,
    meta: { mode: 0o644, xattrs: new Map([['user.x' as Octets, new Uint8Array(size)]]) },
    block: { kind: 'run', span: size, octet: 0 },
  };
}

/** Sizes of records: small ones, and those of which few fit into a leaf. */
function sizeOf(random: Random, share: number): number {
  return random.chance(share) ? 8000 + random.below(30_000) : random.below(60);
}

/** Entries of a Dir by name. */
function someEntries(random: Random, count: number, share: number): Map<string, Dirent> {
  const entries = new Map<string, Dirent>();
  for (let i = 0; i < count; i++) {
    const name = `n${random.below(count * 3)}`;
    entries.set(name, file(name, sizeOf(random, share)));
  }
  return entries;
}

function sorted(entries: ReadonlyMap<string, Dirent>): Dirent[] {
  return [...entries.values()].sort((a, b) => compareOctets(a.name, b.name));
}

/** Changes entries, and gives what was changed. */
function change(random: Random, entries: Map<string, Dirent>, count: number, share: number): DirChange[] {
  const names = [...entries.keys()];
  const changes = new Map<string, Dirent | undefined>();
  for (let i = 0; i < count; i++) {
    const old = names[random.below(names.length)] ?? 'n';
    const name = random.chance(60) ? old : random.chance(50) ? `${old}x` : `${random.pick(['', 'm', 'zz'])}${random.below(1000)}`;
    if (name === '') continue;
    const dirent = random.chance(40) ? undefined : file(name, sizeOf(random, share));
    changes.set(name, dirent);
    if (dirent === undefined) entries.delete(name);
    else entries.set(name, dirent);
  }
  return [...changes].map(([name, dirent]) => ({ name: name as Octets, dirent })).sort((a, b) => compareOctets(a.name, b.name));
}

describe('a Dir with some entries changed', () => {
  it('has the Block that encoding all entries gives, whatever was changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 1, max: 1500 }),
        fc.constantFrom(0, 3, 50),
        fc.constantFrom(0, 1, 1, 3, 20),
        fc.boolean(),
        async (seed, count, share, changed, salted) => {
          const random = makeRandom(seed);
          const salt = salted ? random.bytes(12) : undefined;
          const source = new MapSource();
          const entries = someEntries(random, Math.ceil(count / (1 + share)), share);
          let block = storeDir(source, sorted(entries), { salt });
          for (let round = 0; round < 3 && block.span > 0; round++) {
            const before = new Map(entries);
            const changes = change(random, entries, changed, share);
            const updated = await updateDir(source, source, block, changes, { salt });
            assert.ok(updated !== undefined);
            block = updated.block;
            assert.equal(formatBlock(block), formatBlock(storeDir(new MapSource(), sorted(entries), { salt })));
            const gone = changes.flatMap(({ name }) => before.get(name) ?? []);
            assert.deepEqual(updated.replaced, gone);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('costs the leaves that hold the changes and what leads to them, of a million entries too', async () => {
    const source = new MapSource();
    const entries = Array.from({ length: 200_000 }, (_, i) => file(`f${String(i).padStart(7, '0')}`, 20));
    const block = storeDir(source, entries);
    for (const name of ['f0000000', 'f0100000', 'f0100000x', 'f0199999', 'a', 'z']) {
      const before = source.blocks.size;
      source.asked.length = 0;
      const updated = await updateDir(source, source, block, [{ name: name as Octets, dirent: file(name, 21) }]);
      assert.ok(updated !== undefined);
      assert.ok(source.blocks.size - before <= 10, `${source.blocks.size - before} new Blocks for "${name}"`);
      const different = new Set(source.asked).size;
      assert.ok(different <= 80, `${different} Blocks read for "${name}"`);
    }
  });

  it('with other salt, or cut by another encoder, is not updated', async () => {
    const source = new MapSource();
    const entries = Array.from({ length: 300 }, (_, i) => file(`f${i}`, 20)).sort((a, b) => compareOctets(a.name, b.name));
    const changes: DirChange[] = [{ name: 'f77' as Octets, dirent: undefined }];
    const plain = storeDir(source, entries);
    const salted = storeDir(source, entries, { salt: Buffer.alloc(8, 1) });
    assert.equal(await updateDir(source, source, plain, changes, { salt: Buffer.alloc(8, 1) }), undefined);
    assert.equal(await updateDir(source, source, salted, changes), undefined);
    assert.equal(await updateDir(source, source, salted, changes, { salt: Buffer.alloc(8, 2) }), undefined);
    const shifted: Block = { kind: 'sub', base: plain, offset: 0, span: plain.span - 3 };
    assert.equal(await updateDir(source, source, shifted, [{ name: 'zz' as Octets, dirent: undefined }]), undefined);
  });
});

describe('leaves of a Block tree that are copied into another', () => {
  it('give the tree that adding them one by one gives, whatever is left out, put between or put after', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat({ max: 3000 }), async (seed, count) => {
        const random = makeRandom(seed);
        const source = new MapSource();
        const leaf = (): Block => {
          if (random.chance(5)) return { kind: 'run', span: 1 + random.below(9), octet: random.below(2) };
          const data = random.bytes(40);
          return { kind: 'hash', span: 40, hashcode: source.put(data) };
        };
        const before = new BlockTreeBuilder(source);
        for (let i = 0; i < count; i++) before.add(leaf());
        const block = before.finish();
        const leaves: { readonly block: Block; readonly start: number }[] = [];
        for await (const one of leavesOf(source, block)) leaves.push(one);
        const expected = new BlockTreeBuilder(source);
        const copied = new BlockTreeBuilder(source);
        const copier = await TreeCopier.open(source, block);
        for (let at = 0; at < leaves.length; ) {
          const end = Math.min(leaves.length, at + random.below(random.chance(50) ? 2000 : 20));
          for (const one of leaves.slice(at, end)) expected.add(one.block);
          await copier.copy(copied, leaves[at]?.start ?? 0, leaves[end]?.start ?? block.span);
          at = end + random.below(3);
          for (let more = random.below(4); more > 0; more--) {
            const one = leaf();
            expected.add(one);
            copied.add(one);
          }
        }
        assert.equal(copied.span, expected.span);
        assert.equal(formatBlock(copied.finish()), formatBlock(expected.finish()));
      }),
      { numRuns: 60 },
    );
  });
});
