import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import { DigestTable } from '../block/digest-table.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { DatafileIndex } from '../store/records/datafile-index.ts';
import type { Store } from '../store/store.ts';
import { copyBlocks } from '../sync/copy-blocks.ts';
import { Pace } from '../sync/pace.ts';
import type { OneFileWriter } from './one-file-writer.ts';
import { listTreeBlocks } from './tree-blocks.ts';

export interface WriteStateOptions extends OpOptions {
  readonly now: Date;
  /** Blocks that the Dirent needs and the source lacks: those of a Dir that was made for it. */
  readonly more?: readonly DigestedBlock[] | undefined;
  /** The index of the existing file; its Blocks are not written again. */
  readonly index?: DatafileIndex | undefined;
  readonly onProgress?:
    | ((progress: { readonly doneBytes: number; readonly totalBytes: number; readonly blocks: number }) => void)
    | undefined;
}

/** How much was written. */
export interface WrittenState {
  readonly blocks: number;
  readonly bytes: number;
}

/**
 * Writes a tree into a one-file Store: its Dirent, the Blocks of all Dirs, the Blocks of contents in reading order, the index and the
 * footer.
 *
 * @param dirent - self-contained: no table of hard links outside it
 * @throws {MissingBlockError} and {CorruptBlockError} for a Block that cannot be read; the file is then incomplete
 */
export async function writeState(writer: OneFileWriter, source: Store, dirent: Dirent, options: WriteStateOptions): Promise<WrittenState> {
  const { signal, now, more = [], index, onProgress } = options;
  const hash = hashByName(source.hashName);
  const told = new DigestTable(hash.digestSize);
  if (index !== undefined) for (const [digest] of index.entries()) told.set(digest);
  const own = new Map(more.map(({ digest, data }) => [Buffer.from(digest).toString('latin1'), data]));
  const blocks = {
    name: source.name,
    get: async (hashcode: HashCode, how?: OpOptions) =>
      own.get(Buffer.from(hashcode.digest).toString('latin1')) ?? (await source.get(hashcode, how)),
  };
  told.set(await writer.begin(dirent, now));
  const first = more.filter(({ digest }) => told.set(digest));
  if (first.length > 0) await writer.addBatch(first);
  const { metadata, contents } = await listTreeBlocks(blocks, dirent, hash.digestSize, told, { signal });
  const totalBytes = metadata.bytes + contents.bytes;
  let doneBytes = 0;
  let done = 0;
  let fault: Error | undefined;
  for (const list of [metadata, contents]) {
    await copyBlocks(source, writer, list, {
      parallel: 1,
      pace: new Pace(undefined, signal),
      signal,
      onCopied(count, bytes) {
        done += count;
        doneBytes += bytes;
        onProgress?.({ doneBytes, totalBytes, blocks: done });
      },
      onFault: (_, error) => {
        fault ??= error;
      },
    });
    if (fault !== undefined) throw fault;
    if (list === metadata) writer.endMetadata();
  }
  await writer.end(BigInt(now.getTime()) * 1_000_000n);
  return { blocks: done + first.length + 1, bytes: doneBytes };
}
