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
  /** Where the `.vtd` files are. */
  readonly dataFolder: string;
  readonly storeId: string;
  readonly hashName: HashName;
  /** The modes of what is made. */
  readonly access: StoreAccess;
  /** A file this large, in bytes, is not written to any more. */
  readonly rollOverSize: number;
  readonly clock: () => Date;
  /** The marks of the index, which say which files are whole. */
  readonly marks: () => ReadonlyMap<string, FileMarks>;
  /** False where nothing is to be synced: `durability = none`. Default true. */
  readonly isDurable?: () => boolean;
}

/** Writes the records of a datadir: to a file that an earlier writer left whole, else to a new one, and on to the next when it is full. */
export class DatadirWriter {
  readonly #options: DatadirWriterOptions;
  #current: DatafileWriter | undefined;
  /** Files that are written to no more, but not yet synced. */
  #retired: DatafileWriter[] = [];
  /** Those of them that are full: they get a footer. */
  readonly #full = new Set<DatafileWriter>();
  #mayResume = true;
  #folderChanged = false;

  constructor(options: DatadirWriterOptions) {
    this.#options = options;
  }

  /**
   * Appends pieces to one file.
   *
   * @param records - whose layout the pieces are, for the index of the file
   * @returns the file's name, and the offset of the first piece
   * @throws the system's error: nothing of these pieces counts, and what was appended earlier stays good
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

  /** The files that are being written to, or wait to be synced. */
  fileNames(): string[] {
    const names = this.#retired.map((writer) => writer.name);
    return this.#current === undefined ? names : [...names, this.#current.name];
  }

  #writer(): DatafileWriter {
    this.#current ??= this.#resume() ?? this.#create();
    return this.#current;
  }

  // The fullest file that is whole to its end, and that no other process writes to.
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
   * Makes all that was appended durable.
   *
   * @returns the marks that the files now deserve, and the errors by file name: of these files what was appended
   * since the last sync is not to be counted on
   */
  async sync(): Promise<{ readonly marks: Map<string, FileMarks>; readonly failures: Map<string, unknown> }> {
    const marks = new Map<string, FileMarks>();
    const failures = new Map<string, unknown>();
    const isDurable = this.#options.isDurable?.() ?? true;
    // First, as long as nothing is given up: where this fails all is tried again.
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
        // Where the tail is torn the file is longer than this mark: the next to open the Store looks what of it is whole.
        marks.set(writer.name, { indexedTo: size, seenSize: size });
      } catch (error) {
        failures.set(writer.name, error);
        this.#abandon(writer, retired.includes(writer));
      }
    }
    for (const writer of retired) writer.close();
    return { marks, failures };
  }

  /** A full file ends in its index, if there is room for that. */
  async #end(writer: DatafileWriter): Promise<void> {
    const { dataFolder, hashName } = this.#options;
    try {
      await appendFooter(dataFolder, writer, hashByName(hashName));
    } catch {
      // What is whole of the file counts as before; a scan does without a footer.
    }
  }

  // A second sync of the file might succeed, as the system reports a failure once: it is not asked again.
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
