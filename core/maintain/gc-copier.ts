import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfCancelled } from '../base/errors.ts';
import { appendAll } from '../base/lists.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import { ROLL_OVER_SIZE } from '../datadir/datadir.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { DatadirWriter } from '../datadir/datadir-writer.ts';
import type { IndexRewrite, Location } from '../datadir/index/index-types.ts';
import { codecByNumber } from '../store/records/datafile.ts';
import { packStored, type StoredRecord } from '../store/records/record-batch.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';
import type { GcFile } from './gc-files.ts';

/** Bytes per write. */
const WRITE_SIZE = 1024 * 1024;

/** How to copy. */
export interface GcCopyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly now: () => Date;
  readonly onNotice?: (notice: string) => void;
}

/** Copies the needed Blocks of data files to new ones. */
export class GcCopier {
  readonly #datadir: Datadir;
  readonly #dataFolder: string;
  readonly #options: GcCopyOptions;
  readonly #writer: DatadirWriter;

  constructor(datadir: Datadir, dataFolder: string, options: GcCopyOptions) {
    this.#datadir = datadir;
    this.#dataFolder = dataFolder;
    this.#options = options;
    this.#writer = new DatadirWriter({
      dataFolder,
      storeId: datadir.internals().storeId,
      hashName: datadir.hashName,
      access: datadir.access,
      rollOverSize: ROLL_OVER_SIZE,
      clock: options.now,
      // Always use new files: other writers might continue an existing one.
      marks: () => new Map(),
    });
  }

  /**
   * Replaces a data file by a copy of its needed Blocks.
   *
   * @param file - the file
   * @param staying - entries to copy
   * @param going - entries to remove from the index
   * @returns false if a needed Block is damaged; the file is then left unchanged
   */
  async replace(
    file: GcFile,
    staying: readonly (readonly [Uint8Array, Location])[],
    going: readonly (readonly [Uint8Array, Location])[],
  ): Promise<boolean> {
    const { index } = this.#datadir.internals();
    const changes: IndexRewrite[] = going.map(([digest, from]) => ({ digest, from, to: undefined }));
    // In the order of the file, so that reading is sequential now and later.
    const ordered = [...staying].sort(([, a], [, b]) => a.offset - b.offset);
    for (let at = 0; at < ordered.length; ) {
      throwIfCancelled(this.#options.signal);
      const copied = this.#copy(ordered, at);
      if (copied === undefined) {
        this.#options.onNotice?.(`data file "${file.name}" was not rewritten: a Block in it is damaged; repair the Store first`);
        return false;
      }
      appendAll(changes, copied);
      at += copied.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { marks, failures } = await this.#writer.sync();
    const [failure] = failures.values();
    if (failure !== undefined) throw failure;
    index.rewrite(changes, new Map([...marks, [file.name, { indexedTo: 0, seenSize: file.size }]]));
    unlinkSync(join(this.#dataFolder, file.name));
    syncFolder(this.#dataFolder);
    return true;
  }

  /** Copies Blocks from `at` on, as many as one write takes; undefined if one is damaged. */
  #copy(blocks: readonly (readonly [Uint8Array, Location])[], at: number): IndexRewrite[] | undefined {
    const { readers, hash, layOut } = this.#datadir.internals();
    const records: StoredRecord[] = [];
    let length = 0;
    let next = at;
    for (; next < blocks.length && length < WRITE_SIZE; next++) {
      const [digest, { file, offset, storedSize, size, codec }] = blocks[next] as readonly [Uint8Array, Location];
      const stored = readers.read(file, offset, storedSize);
      const data = stored.length === storedSize ? decodeStored(stored, codec, size, readers.frames(file, offset)) : undefined;
      if (data === undefined || Buffer.compare(hash.digest(data), digest) !== 0) return undefined;
      // Only some Blocks of a frame may stay: they are packed into a new frame with their neighbours.
      const record = codec === 'part' ? { stored: data, codec: 'none' as const } : { stored, codec };
      records.push({ ...record, digest, size });
      length += record.stored.length;
    }
    const { pieces, offsets, storedSizes, codecs } = layOut(packStored(records, hash), new Uint8Array(records.length).fill(1));
    const { file, offset } = this.#writer.append(pieces);
    return blocks.slice(at, next).map(([digest, from], k) => {
      const place = { offset: offset + (offsets[k] as number), storedSize: storedSizes[k] as number };
      return { digest, from, to: { ...from, ...place, file, codec: codecByNumber(codecs[k] as number) } };
    });
  }

  close(): void {
    this.#writer.close();
  }
}
