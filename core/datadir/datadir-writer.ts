import { randomUUID } from 'node:crypto';
import { makeStoreFolder, type StoreAccess } from '../base/system/store-files.ts';
import { syncFolder } from '../base/system/sync-folder.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import { encodeDatafileHeader } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import type { RecordLayout } from '../store/records/record-layout.ts';
import { appendFooter } from './datafiles/datafile-footer.ts';
import { DatafileWriter } from './datafiles/datafile-writer.ts';
import type { FileMarks } from './index/index-types.ts';

export interface DatadirWriterOptions {
  /** The folder of the `.vtd` files. */
  readonly dataFolder: string;
  readonly storeId: string;
  readonly hashName: HashName;
  /** The modes of new files. */
  readonly access: StoreAccess;
  /** A file of at least this many bytes is not written to any more. */
  readonly rollOverSize: number;
  readonly clock: () => Date;
  /** The marks of the index, which show which files are complete. */
  readonly marks: () => ReadonlyMap<string, FileMarks>;
  /** False if nothing is to be synced: `durability = none`. Default true. */
  readonly isDurable?: () => boolean;
}

/**
 * Writes the records of a datadir. It continues an intact file of an earlier writer, or begins a new one, and another when that is full.
 */
export class DatadirWriter {
  readonly #options: DatadirWriterOptions;
  #current: DatafileWriter | undefined;
  /** Files that are no longer written to, but not yet synced. */
  #retired: DatafileWriter[] = [];
  /** The full ones among them, which get a footer. */
  readonly #full = new Set<DatafileWriter>();
  #mayResume = true;
  #folderChanged = false;

  constructor(options: DatadirWriterOptions) {
    this.#options = options;
  }

  /**
   * Appends pieces to one file.
   *
   * @param records - the batch and layout of the pieces, for the footer of the file
   * @returns the file's name, and the offset of the first piece
   * @throws the system's error. Then none of these pieces counts as appended; earlier ones are not affected
   */
  append(
    pieces: readonly Uint8Array[],
    records?: { readonly batch: RecordBatch; readonly layout: RecordLayout },
  ): { readonly file: string; readonly offset: number } {
    const writer = this.#writer();
    try {
      const offset = writer.append(pieces);
      if (records !== undefined) writer.place(records.batch, records.layout, offset);
      if (writer.size >= this.#options.rollOverSize) {
        this.#retire(writer);
        this.#full.add(writer);
      }
      return { file: writer.name, offset };
    } catch (error) {
      this.#retire(writer);
      throw error;
    }
  }

  #retire(writer: DatafileWriter): void {
    this.#current = undefined;
    this.#retired.push(writer);
  }

  /** The names of files that are being written or are not yet synced. */
  fileNames(): string[] {
    const names = this.#retired.map((writer) => writer.name);
    return this.#current === undefined ? names : [...names, this.#current.name];
  }

  #writer(): DatafileWriter {
    this.#current ??= this.#resume() ?? this.#create();
    return this.#current;
  }

  // Continues the fullest file that is intact to its end, and that no other process writes to.
  #resume(): DatafileWriter | undefined {
    if (!this.#mayResume) return undefined;
    this.#mayResume = false;
    const { dataFolder, rollOverSize, hashName } = this.#options;
    const whole = [...this.#options.marks()].filter(([, { indexedTo, seenSize }]) => indexedTo === seenSize && seenSize < rollOverSize);
    whole.sort(([, a], [, b]) => b.seenSize - a.seenSize);
    for (const [name, { seenSize }] of whole) {
      const writer = DatafileWriter.resume(dataFolder, name, seenSize, hashByName(hashName));
      if (writer !== undefined) return writer;
    }
    return undefined;
  }

  #create(): DatafileWriter {
    const { dataFolder, storeId, hashName, clock, access } = this.#options;
    const fileId = randomUUID();
    const header = encodeDatafileHeader({ hashName, storeId, fileId, createdNs: BigInt(clock().getTime()) * 1_000_000n });
    makeStoreFolder(dataFolder, access);
    const writer = DatafileWriter.create(dataFolder, `${fileId}.vtd`, header, access);
    this.#folderChanged = true;
    return writer;
  }

  /**
   * Makes everything appended durable.
   *
   * @returns the new marks of the files, and errors by file name. In files with an error, everything appended since the last sync may be
   * lost
   */
  async sync(): Promise<{ readonly marks: Map<string, FileMarks>; readonly failures: Map<string, unknown> }> {
    const marks = new Map<string, FileMarks>();
    const failures = new Map<string, unknown>();
    const isDurable = this.#options.isDurable?.() ?? true;
    // This comes first. If it fails, nothing has been given up, and the next call tries again.
    if (this.#folderChanged && isDurable) {
      syncFolder(this.#options.dataFolder);
      this.#folderChanged = false;
    }
    const retired = this.#retired;
    this.#retired = [];
    const current = this.#current;
    for (const writer of current === undefined ? retired : [...retired, current]) {
      try {
        if (this.#full.delete(writer)) await this.#end(writer);
        const size = isDurable ? await writer.sync() : writer.wholeSize;
        // If the tail is torn, the file is longer than this mark. The next session that opens the Store examines it.
        marks.set(writer.name, { indexedTo: size, seenSize: size });
      } catch (error) {
        failures.set(writer.name, error);
        this.#abandon(writer, retired.includes(writer));
      }
    }
    for (const writer of retired) writer.close();
    return { marks, failures };
  }

  /** Appends the footer, an index of the file, if there is disk space. */
  async #end(writer: DatafileWriter): Promise<void> {
    const { dataFolder, hashName } = this.#options;
    try {
      await appendFooter(dataFolder, writer, hashByName(hashName));
    } catch {
      // The file is valid without a footer; a scan then reads the records.
    }
  }

  // The system reports a failed sync only once. A second sync could succeed wrongly, so the file is not synced again.
  #abandon(writer: DatafileWriter, isClosedLater: boolean): void {
    if (this.#current === writer) this.#current = undefined;
    this.#retired = this.#retired.filter((other) => other !== writer);
    if (!isClosedLater) writer.close();
  }

  /** Closes the files, which releases their locks. */
  close(): void {
    for (const writer of this.#retired) writer.close();
    this.#current?.close();
    this.#current = undefined;
    this.#retired = [];
  }
}
