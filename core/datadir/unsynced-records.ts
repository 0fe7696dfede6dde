import type { DigestedBlock } from '../block/block-target.ts';
import type { HashFunction } from '../block/hash.ts';
import { packRecords } from '../store/records/record-batch.ts';
import type { LayOutRecords } from '../store/records/record-layout.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import type { RecordWriter } from './datadir-append.ts';
import type { DatafileReaders } from './datafiles/datafile-readers.ts';
import { readLocatedBlock } from './datafiles/located-block.ts';
import type { RecentBlocks, WaitingBlock } from './recent-blocks.ts';

/** Bytes of Blocks that are read back at a time. */
const PORTION_SIZE = 4 * 1024 * 1024;

/** What {@link rewriteUnsynced} works with. */
export interface UnsyncedParts {
  readonly hash: HashFunction;
  readonly compression: StoredCompression;
  readonly layOut: LayOutRecords;
  readonly recent: RecentBlocks;
  readonly readers: DatafileReaders;
  readonly writer: Pick<RecordWriter, 'append'>;
}

/**
 * Writes again, to another file, what waits for the index in a file of which a sync has failed. The system reports such a failure
 * once, and drops what it could not write as it likes, so that only what is read back and verified counts.
 *
 * @returns how many Blocks are lost
 * @throws the system's error where they cannot be written: they wait as before, for another try
 */
export function rewriteUnsynced({ hash, compression, layOut, recent, readers, writer }: UnsyncedParts, file: string): number {
  let lost = 0;
  let portion: { readonly from: WaitingBlock; readonly block: DigestedBlock }[] = [];
  let size = 0;
  const flush = (): void => {
    if (portion.length === 0) return;
    const blocks = portion.map(({ block }) => block);
    const layout = layOut(packRecords(blocks, hash, compression), new Uint8Array(blocks.length).fill(1));
    const { file: target, offset } = writer.append(layout.pieces);
    for (const { from } of portion) recent.remove(from.entry);
    const position = recent.position;
    for (const { digest, data } of blocks) recent.add(digest, 0, data.length);
    recent.place(position, target, offset, layout);
    portion = [];
    size = 0;
  };
  for (const waiting of recent.waitingIn(file)) {
    const { digest, location } = waiting;
    const found = readLocatedBlock(readers, location, digest, hash);
    if (found.kind !== 'block') {
      recent.remove(waiting.entry);
      lost++;
      continue;
    }
    portion.push({ from: waiting, block: { digest, data: found.data } });
    size += found.data.length;
    if (size >= PORTION_SIZE) flush();
  }
  flush();
  return lost;
}
