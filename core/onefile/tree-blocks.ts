import { throwIfCancelled, VtError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block, HashBlock } from '../block/block.ts';
import type { BlockSource } from '../block/block-source.ts';
import { DigestTable } from '../block/digest-table.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { readBlockBytes } from '../block/read-range.ts';
import { leavesOf } from '../block/tree-walk.ts';
import { readDir } from '../dirent/dir-codec.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { decodeDirent } from '../dirent/dirent-codec.ts';
import { BlockList } from '../sync/block-list.ts';

/** All Blocks that a Dirent needs, each once, in the order in which they are read. */
export interface TreeBlocks {
  /** Blocks of Dirs, of the tables of hard links, and of earlier states. */
  readonly metadata: BlockList;
  /** Blocks of contents, file after file. */
  readonly contents: BlockList;
}

/**
 * Lists the Blocks of a tree as it is walked: depth first, by name. No content is read. Memory: about 90 bytes per Block, and the Dirs on
 * the current path.
 *
 * @param told - Blocks to leave out; listed Blocks are added to it
 * @param options.maxBlocks - the most Blocks to list; default unlimited
 * @throws {VtError} EUNSUPPORTED for more Blocks than that, or a Block of another hash function
 * @throws {MissingBlockError} and {CorruptBlockError} for a Dir or superblock that cannot be read
 */
export async function listTreeBlocks(
  source: BlockSource,
  top: Dirent,
  digestSize: number,
  told: DigestTable,
  options: OpOptions & { readonly maxBlocks?: number } = {},
): Promise<TreeBlocks> {
  const metadata = new BlockList(digestSize);
  const contents = new BlockList(digestSize);
  const turns = new EventTurns();
  const maxBlocks = options.maxBlocks ?? Number.POSITIVE_INFINITY;
  const list = async (into: BlockList, block: Block): Promise<void> => {
    const add = ({ hashcode, span }: HashBlock): void => {
      if (hashcode.digest.length !== digestSize)
        throw new VtError('EUNSUPPORTED', `list Block ${hashcodeLabel(hashcode)}: it is of another hash function`);
      if (told.set(hashcode.digest)) into.add(hashcode.digest, span);
      if (metadata.count + contents.count > maxBlocks) throw new VtError('EUNSUPPORTED', `list Blocks: there are more than ${maxBlocks}`);
    };
    const onSuperblock = ({ refs }: { readonly refs: Block }): void => {
      if (refs.kind === 'hash') add(refs);
    };
    for await (const { block: leaf } of leavesOf(source, block, { ...options, onSuperblock })) if (leaf.kind === 'hash') add(leaf);
  };
  // A separate table, since a content may equal the Block of a Dir.
  const entered = new DigestTable(digestSize);
  const isFirst = (block: Block): boolean => {
    const top = block.kind === 'indirect' ? block.refs : block;
    return top.kind !== 'hash' || entered.set(top.hashcode.digest);
  };
  // Listings in progress, the innermost last.
  const open: AsyncIterator<Dirent>[] = [];
  const enter = async (dirent: Dirent): Promise<void> => {
    throwIfCancelled(options.signal);
    if (dirent.prev !== undefined) {
      await list(metadata, dirent.prev);
      const before = decodeDirent(await readBlockBytes(source, dirent.prev, options), 0).value;
      open.push(only(before));
    }
    if (dirent.kind === 'file') await list(contents, dirent.block);
    if (dirent.kind !== 'dir') return;
    for (const block of [dirent.inodes, dirent.block]) {
      if (block === undefined || !isFirst(block)) continue;
      await list(metadata, block);
      open.push(readDir(source, block, options)[Symbol.asyncIterator]());
    }
  };
  await enter(top);
  for (let listing = open.at(-1); listing !== undefined; listing = open.at(-1)) {
    const turn = turns.next(options.signal);
    if (turn !== undefined) await turn;
    const { value, done } = await listing.next();
    if (done === true) open.pop();
    else await enter(value);
  }
  return { metadata, contents };
}

async function* only(dirent: Dirent): AsyncGenerator<Dirent, void, undefined> {
  yield await Promise.resolve(dirent);
}
