import { ClosedError, CorruptBlockError, ParseError, ReadOnlyError, throwIfCancelled, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { digestKey } from '../../block/digest-key.ts';
import { DEFAULT_EDGES, type EdgeSettings } from '../../block/edge-settings.ts';
import type { HashFunction, HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import { hashcodeLabel } from '../../block/hashcode.ts';
import { type FileState, OneFileArchive } from '../../datadir/one-file-archive.ts';
import { decodeDirent } from '../../dirent/dirent-codec.ts';
import type { Offers } from '../../store/capability.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader, decodeRecordHeader, RECORD_FIXED_SIZE } from '../../store/records/datafile.ts';
import type { DatafileFooter, RecordPlace } from '../../store/records/datafile-index.ts';
import { DatafileIndex, footerSize } from '../../store/records/datafile-index.ts';
import { decodePart, UnpackedFrames } from '../../store/records/frame.ts';
import { decodeStored } from '../../store/records/stored-bytes.ts';
import { MAX_STATES, readFooter, readGaps } from '../../store/records/trailer.ts';
import type { AddResult, Store } from '../../store/store.ts';
import type { HttpFile } from './http-file.ts';

/** Bytes of metadata fetched at once, and of an index kept in memory, at most. */
const MAX_METADATA_SIZE = 64 * 1024 * 1024;
const MAX_INDEX_SIZE = 256 * 1024 * 1024;
/** States whose Dirents are fetched at the same time. */
const MAX_STATES_TOGETHER = 16;
/** Unpacked frames that are kept: some 128 KiB each. */
const MAX_KEPT_FRAMES = 16;

/** A state in the file: the offset of its Dirent's record, and the footer after it. */
interface FileStatePlace {
  readonly offset: number;
  readonly footer: DatafileFooter;
}

/**
 * A one-file Store on a web server, read in parts; its last bytes tell where things are. All Dirs of a state are together and come in one
 * answer. The index is fetched when the first content is read.
 */
export class HttpOneFile implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings = DEFAULT_EDGES;
  readonly offers: Offers;
  readonly #file: HttpFile;
  readonly #hash: HashFunction;
  readonly #footer: DatafileFooter;
  readonly #footerStart: number;
  /** The places of Dirs, from the metadata of the newest state. */
  #metadata: Promise<Map<string, RecordPlace>> | undefined;
  #index: Promise<DatafileIndex> | undefined;
  readonly #frames = new UnpackedFrames<number>(MAX_KEPT_FRAMES);
  #isClosed = false;

  private constructor(file: HttpFile, hashName: HashName, footer: DatafileFooter, footerStart: number) {
    this.name = file.name;
    this.hashName = hashName;
    this.#file = file;
    this.#hash = hashByName(hashName);
    this.#footer = footer;
    this.#footerStart = footerStart;
    this.offers = {
      access: { write: false },
      archives: { open: (name) => this.#archive(name), list: async () => await Promise.resolve(['default']) },
    };
  }

  /** Opens a one-file Store. @throws {VtError} EOPEN if it is not one, or does not end in a footer */
  static async open(file: HttpFile): Promise<HttpOneFile> {
    const bad = (fact: string): VtError =>
      new VtError('EOPEN', `open Store "${file.name}": ${fact}`, { remedy: 'fetch the file, and open it here' });
    const tail = await file.read(Math.max(0, file.size - footerSize(32)), footerSize(32));
    for (const digestSize of [32, 20]) {
      const footerStart = file.size - footerSize(digestSize);
      const footer = readFooter(
        (offset, size) => tail.subarray(tail.length - file.size + offset).subarray(0, size),
        footerStart,
        digestSize,
      );
      if (footer === undefined) continue;
      // The header comes in one request with the Dirs after it.
      const head = decodeDatafileHeader(
        await file.read(0, Math.min(footer.metadataEnd, MAX_METADATA_SIZE)).then((all) => all.subarray(0, DATAFILE_HEADER_SIZE)),
      );
      if (head.kind !== 'header' || head.header.isOneFile !== true) throw bad('it is no one-file Store');
      return new HttpOneFile(file, head.header.hashName, footer, footerStart);
    }
    throw bad('it does not end as a one-file Store does: it is none, or was cut off');
  }

  #archive(name: string): OneFileArchive {
    return new OneFileArchive(name === 'default' ? this.name : `${this.name}@${name}`, async (options) =>
      name === 'default' ? await this.#readStates(options) : [],
    );
  }

  async #readStates(options: OpOptions): Promise<FileState[]> {
    const places = await this.#states(options);
    const states: FileState[] = [];
    for (let first = 0; first < places.length; first += MAX_STATES_TOGETHER) {
      const some = places.slice(first, first + MAX_STATES_TOGETHER);
      for (const state of await Promise.all(some.map(async (place) => await this.#state(place, options)))) states.push(state);
    }
    return states;
  }

  /** Oldest first. */
  async #states(options: OpOptions): Promise<FileStatePlace[]> {
    const size = footerSize(this.#hash.digestSize);
    const states: FileStatePlace[] = [];
    for (let footer = this.#footer; ; ) {
      const { previous } = footer;
      if (previous === 0) {
        states.push({ offset: DATAFILE_HEADER_SIZE, footer });
        return states.reverse();
      }
      const octets = await this.#file.read(previous, size, options);
      const before = readFooter(() => octets, previous, this.#hash.digestSize);
      states.push({ offset: previous + size, footer });
      // One that is damaged, or leads on for ever, ends the list.
      if (before === undefined || before.previous >= previous || states.length > MAX_STATES) return states.reverse();
      footer = before;
    }
  }

  async #state({ offset, footer }: FileStatePlace, options: OpOptions): Promise<FileState> {
    const damaged = (): VtError => new VtError('ECORRUPT', `read "${this.name}": expected a Dirent at byte ${offset}`);
    const headerSize = RECORD_FIXED_SIZE + this.#hash.digestSize;
    const header = decodeRecordHeader(await this.#file.read(offset, headerSize, options), 0, this.#hash.digestSize);
    if (header === undefined || header.codec !== 'none') return damaged();
    const data = await this.#file.read(offset + headerSize, header.storedSize, options);
    if (Buffer.compare(this.#hash.digest(data), header.digest) !== 0) return damaged();
    try {
      return { whenNs: footer.whenNs, dirent: decodeDirent(data, 0).value };
    } catch (error) {
      if (error instanceof ParseError) return damaged();
      throw error;
    }
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    const place = hashcode.hashName === this.hashName ? await this.#find(hashcode.digest) : undefined;
    if (place === undefined) return undefined;
    const stored = await this.#file.read(place.offset, place.storedSize, options);
    const { codec, size } = place;
    const frame = codec === 'part' ? await this.#frame(place.offset, stored, options) : undefined;
    const data = decodeStored(stored, codec, size, () => frame);
    if (data === undefined || Buffer.compare(this.#hash.digest(data), hashcode.digest) !== 0)
      throw new CorruptBlockError(hashcodeLabel(hashcode), this.name, `the stored bytes do not match, at byte ${place.offset}`);
    return data === stored ? Buffer.from(data) : data;
  }

  /** The unpacked frame of a record. @param offset - of the record's stored bytes */
  async #frame(offset: number, stored: Buffer, options: OpOptions): Promise<Buffer | undefined> {
    const part = decodePart(stored);
    if (part === undefined || part.back > offset) return undefined;
    const octets = await this.#file.read(offset - part.back, part.frameSize, options);
    return this.#frames.get(offset - part.back, () => octets);
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    const found: boolean[] = [];
    for (const { hashName, digest } of hashcodes) found.push(hashName === this.hashName && (await this.#find(digest)) !== undefined);
    return found;
  }

  async #find(digest: Uint8Array): Promise<RecordPlace | undefined> {
    this.#metadata ??= this.#readMetadata().catch((error: unknown) => {
      // A later request asks again.
      this.#metadata = undefined;
      throw error;
    });
    const known = (await this.#metadata).get(digestKey(digest));
    if (known !== undefined) return known;
    this.#index ??= this.#readIndex().catch((error: unknown) => {
      this.#index = undefined;
      throw error;
    });
    return (await this.#index).find(digest);
  }

  async #readMetadata(): Promise<Map<string, RecordPlace>> {
    const places = new Map<string, RecordPlace>();
    const { previous, metadataEnd } = this.#footer;
    const start = previous === 0 ? DATAFILE_HEADER_SIZE : previous + footerSize(this.#hash.digestSize);
    if (metadataEnd <= start || metadataEnd - start > MAX_METADATA_SIZE) return places;
    const octets = await this.#file.read(start, metadataEnd - start);
    const headerSize = RECORD_FIXED_SIZE + this.#hash.digestSize;
    for (let at = 0; at < octets.length; ) {
      const header = decodeRecordHeader(octets, at, this.#hash.digestSize);
      // The index may still have Blocks after the damage.
      if (header === undefined) break;
      const { codec, size, storedSize } = header;
      if (!header.isGap) places.set(digestKey(header.digest), { offset: start + at + headerSize, codec, size, storedSize });
      at += headerSize + storedSize;
    }
    return places;
  }

  async #readIndex(): Promise<DatafileIndex> {
    const { indexStart, indexSize } = this.#footer;
    if (indexSize > MAX_INDEX_SIZE || indexStart + indexSize !== this.#footerStart)
      throw new VtError('EUNSUPPORTED', `read "${this.name}": its index has ${indexSize} bytes`, {
        remedy: 'fetch the file, and open it here',
      });
    const parts = readGaps(await this.#file.read(indexStart, indexSize), indexSize, this.#hash.digestSize);
    const damaged = new VtError('ECORRUPT', `read "${this.name}": its index is damaged`, {
      remedy: 'fetch the file, and open it here: vtftp then scans its records',
    });
    if (parts === undefined) throw damaged;
    try {
      return new DatafileIndex(this.#hash.digestSize, parts);
    } catch (error) {
      throw error instanceof ParseError ? damaged : error;
    }
  }

  add(): Promise<AddResult> {
    return Promise.reject(this.#readOnly());
  }

  addBatch(): Promise<boolean[]> {
    return Promise.reject(this.#readOnly());
  }

  #readOnly(): VtError {
    return this.#isClosed ? new ClosedError('add to', this.name) : new ReadOnlyError('add to', this.name);
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    await Promise.resolve();
  }

  #check(action: string, { signal }: OpOptions): void {
    if (this.#isClosed) throw new ClosedError(action, this.name);
    throwIfCancelled(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#file.close();
    await Promise.resolve();
  }
}
