import { ParseError } from '../../base/errors.ts';
import type { Block, HashBlock } from '../../block/block.ts';
import { DigestTable } from '../../block/digest-table.ts';
import { hashByName } from '../../block/hash.ts';
import { leavesOf } from '../../block/tree-walk.ts';
import type { Dirent } from '../../dirent/dirent.ts';
import { listTreeBlocks } from '../../onefile/tree-blocks.ts';
import type { Store } from '../../store/store.ts';
import { BlockList } from '../../sync/block-list.ts';
import type { ByteRange } from '../byte-ranges.ts';

/**
 * How much of a tree is wanted. `block`: the first Block of a node. `dir`: all Blocks of a Dir's entries or of a content. `all`: everything
 * below too.
 */
export type VtdScope = 'block' | 'dir' | 'all';

/** Parses a scope; '' is `all`. @throws {ParseError} for another word */
export function parseScope(text: string): VtdScope {
  if (text === '' || text === 'all') return 'all';
  if (text === 'block' || text === 'dir') return text;
  throw new ParseError(`read URL: scope is block, dir or all, and not "${text}"`, 0);
}

/** Blocks per file, at most: each costs memory while it is sent. */
const MAX_BLOCKS = 256 * 1024;

/**
 * The Blocks that a node needs, each once, inner Blocks first.
 *
 * @param range - of a file's content, in bytes
 * @throws {VtError} EUNSUPPORTED for too many
 */
export async function wantedBlocks(
  store: Store,
  node: Dirent,
  scope: VtdScope,
  range: ByteRange | undefined,
  signal: AbortSignal,
): Promise<{ readonly metadata: BlockList; readonly contents: BlockList }> {
  const { digestSize } = hashByName(store.hashName);
  const told = new DigestTable(digestSize);
  if (scope === 'all' && range === undefined) return await listTreeBlocks(store, node, digestSize, told, { signal, maxBlocks: MAX_BLOCKS });
  const metadata = new BlockList(digestSize);
  const contents = new BlockList(digestSize);
  const add = (list: BlockList, { hashcode, span }: HashBlock): void => {
    if (told.set(hashcode.digest)) list.add(hashcode.digest, span);
  };
  for (const block of blocksOf(node)) {
    if (scope === 'block') {
      const first = block.kind === 'indirect' ? block.refs : block;
      if (first.kind === 'hash') add(metadata, first);
      continue;
    }
    const onSuperblock = ({ refs }: { readonly refs: Block }): void => {
      if (refs.kind === 'hash') add(metadata, refs);
    };
    for await (const { block: leaf } of leavesOf(store, block, { ...range, signal, onSuperblock }))
      if (leaf.kind === 'hash') add(node.kind === 'dir' ? metadata : contents, leaf);
  }
  return { metadata, contents };
}

function blocksOf(node: Dirent): Block[] {
  if (node.kind === 'file') return [node.block];
  if (node.kind !== 'dir') return [];
  return node.inodes === undefined ? [node.block] : [node.inodes, node.block];
}
