import type { Block, LiteralBlock, RunBlock } from '../block/block.ts';
import type { HashName } from '../block/hash.ts';
import type { BlockTreeBuilder } from '../block/tree-builder.ts';
import type { Leaf } from '../block/tree-walk.ts';
import { BlockList } from '../sync/block-list.ts';

/** Maximum leaves, and octets of them, of one content that are requested together. */
const MAX_LEAVES = 1024;
const MAX_LEAVES_SIZE = 8 * 1024 * 1024;
/** Number of such parts of one content that are requested ahead. */
const PARTS_AHEAD = 3;

interface Part {
  readonly leaves: readonly Leaf[];
  readonly digests: Promise<Uint8Array>;
}

/** Builds the Block of a content from renamed leaves; requests some leaves while earlier ones are put together. */
export async function contentOf(
  leaves: AsyncIterable<Leaf>,
  how: {
    readonly builder: BlockTreeBuilder;
    readonly hashName: HashName;
    /** Octets of the leaves' digests. */
    readonly digestSize: number;
    readonly digestsOf: (list: BlockList) => Promise<Uint8Array>;
  },
): Promise<Block> {
  const ahead: Part[] = [];
  let some: Leaf[] = [];
  let list = new BlockList(how.digestSize);
  const ask = (): void => {
    const digests = list.count === 0 ? Promise.resolve(new Uint8Array(0)) : how.digestsOf(list);
    digests.catch(() => undefined);
    ahead.push({ leaves: some, digests });
    some = [];
    list = new BlockList(how.digestSize);
  };
  const build = async (most: number): Promise<void> => {
    while (ahead.length > most) {
      const part = ahead.shift();
      if (part !== undefined) addPart(how.builder, how.hashName, part.leaves, await part.digests);
    }
  };
  try {
    for await (const leaf of leaves) {
      some.push(leaf);
      if (leaf.block.kind === 'hash') list.add(leaf.block.hashcode.digest, leaf.block.span);
      if (some.length < MAX_LEAVES && list.bytes < MAX_LEAVES_SIZE) continue;
      ask();
      await build(PARTS_AHEAD);
    }
    ask();
    await build(0);
  } finally {
    await Promise.allSettled(ahead.map(async ({ digests }) => await digests));
  }
  return how.builder.finish();
}

function addPart(builder: BlockTreeBuilder, hashName: HashName, leaves: readonly Leaf[], digests: Uint8Array): void {
  const hashed = leaves.filter(({ block }) => block.kind === 'hash').length;
  const size = hashed === 0 ? 0 : digests.length / hashed;
  let at = 0;
  for (const { block, from, size: wanted } of leaves) {
    const isWhole = from === 0 && wanted === block.span;
    if (block.kind !== 'hash') {
      builder.add(isWhole ? block : partOf(block, from, wanted));
      continue;
    }
    if (isWhole) builder.addHashed(block.span, digests, at);
    else {
      const base: Block = { ...block, hashcode: { hashName, digest: digests.slice(at, at + size) } };
      builder.add({ kind: 'sub', span: wanted, base, offset: from });
    }
    at += size;
  }
}

function partOf(block: LiteralBlock | RunBlock, from: number, size: number): Block {
  if (block.kind === 'run') return { ...block, span: size };
  return { kind: 'literal', span: size, data: block.data.slice(from, from + size) };
}
