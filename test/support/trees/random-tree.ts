import type { Octets } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import { leafBlock, PendingBlocks } from '../../../core/block/block-sink.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { DirWriter } from '../../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import type { Store } from '../../../core/store/store.ts';
import type { Random } from '../random.ts';
import { makeRandom } from '../random.ts';

/**
 * Stores a tree with all that Dirents can refer to: large and small contents, runs, literals, Dirs of many leaves, salt, tables of hard
 * links, earlier states. The same seed gives the same tree, whatever the hash function: its Blocks are as a fresh put makes them.
 */
export async function storeRandomTree(store: Store, seed: number): Promise<DirDirent> {
  const maker = new TreeMaker(store, makeRandom(seed));
  const root = maker.dir('' as Octets, 2);
  await maker.pending.flushTo(store);
  return root;
}

class TreeMaker {
  readonly pending: PendingBlocks;
  readonly #random: Random;
  #contents: readonly Uint8Array[][];

  constructor(store: Store, random: Random) {
    this.pending = new PendingBlocks(store.hashName);
    this.#random = random;
    // Some contents come several times.
    this.#contents = Array.from({ length: 6 }, () => this.#leaves());
  }

  #leaves(): Uint8Array[] {
    const random = this.#random;
    const count = random.chance(4) ? 70 : random.pick([0, 1, 1, 1, 2, 3]);
    return Array.from({ length: count }, () => {
      if (random.chance(20)) return new Uint8Array(random.below(9000)).fill(random.below(3));
      return random.bytes(random.pick([1, 20, 40, 40, 40, 300]) + random.below(20));
    });
  }

  #content(): Block {
    const random = this.#random;
    const builder = new BlockTreeBuilder(this.pending);
    const leaves = random.chance(30) ? this.#contents[random.below(this.#contents.length)] : this.#leaves();
    for (const leaf of leaves ?? []) builder.add(leafBlock(this.pending, leaf));
    return builder.finish();
  }

  #file(name: Octets): Dirent {
    const random = this.#random;
    const meta = { mode: 0o644, mtimeNs: BigInt(random.below(2 ** 31)) * 1_000_003n };
    const file: Dirent = { kind: 'file', name, meta, block: this.#content() };
    if (!random.chance(10)) return file;
    const before: Dirent = { ...file, block: this.#content() };
    return { ...file, prev: leafBlock(this.pending, encodeDirent(before)) };
  }

  dir(name: Octets, depth: number): DirDirent {
    const random = this.#random;
    const salt = random.chance(20) ? { salt: Uint8Array.from(random.bytes(12)) } : {};
    const writer = new DirWriter(this.pending, salt);
    const count = depth === 2 ? 25 : random.pick([0, 1, 5, 10, 70]);
    for (let i = 0; i < count; i++) {
      const child = `n${i.toString().padStart(5, '0')}` as Octets;
      if (depth > 0 && random.chance(10)) writer.add(this.dir(child, depth - 1));
      else if (random.chance(5)) writer.add({ kind: 'symlink', name: child, meta: {}, target: 'elsewhere' as Octets });
      else writer.add(this.#file(child));
    }
    const block = writer.finish();
    if (!random.chance(20)) return { kind: 'dir', name, meta: { mode: 0o755 }, block, ...salt };
    const uuid = '01234567-89ab-cdef-0123-456789abcdef';
    const table = new DirWriter(this.pending);
    table.add({ ...this.#file(uuid as Octets), uuid, nlink: 2 });
    return { kind: 'dir', name, meta: { mode: 0o755 }, block, inodes: table.finish(), links: 2, ...salt };
  }
}
