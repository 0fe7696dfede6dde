import type { OpOptions } from '../base/op-options.ts';
import { leafBlock, PendingBlocks } from '../block/block-sink.ts';
import type { BlockSource } from '../block/block-source.ts';
import { readBlockBytes } from '../block/read-range.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { decodeDirent, encodeDirent } from '../dirent/dirent-codec.ts';
import type { Store } from '../store/store.ts';

type NodeDirent = Exclude<Dirent, IndirectDirent>;

/** Maximum octets of one earlier state: a Dirent, whose extended attributes may be long. */
const MAX_STATE_SIZE = 16 * 1024 * 1024;

/**
 * Adds `before` to the earlier states of a Dirent. If both are the same, the Dirent gets the earlier states of `before`.
 *
 * @param before - the self-contained Dirent that was there before
 */
export async function withPrevious(store: Store, dirent: NodeDirent, before: NodeDirent, options: OpOptions = {}): Promise<NodeDirent> {
  const { prev, ...state } = before;
  if (encodeDirent(state as Dirent).equals(encodeDirent(dirent))) return prev === undefined ? dirent : { ...dirent, prev };
  const pending = new PendingBlocks(store.hashName);
  const block = leafBlock(pending, encodeDirent(before));
  await pending.flushTo(store, options);
  return { ...dirent, prev: block };
}

/**
 * Yields the earlier states of a Dirent, newest first.
 *
 * @throws {MissingBlockError} and {CorruptBlockError} for an unreadable one
 */
export async function* previousStates(
  source: BlockSource,
  dirent: Dirent,
  options: OpOptions = {},
): AsyncGenerator<Dirent, void, undefined> {
  for (let { prev } = dirent; prev !== undefined; ) {
    const { value } = decodeDirent(await readBlockBytes(source, prev, { maxSize: MAX_STATE_SIZE, signal: options.signal }), 0);
    yield value;
    prev = value.prev;
  }
}
