import { CorruptBlockError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import type { Location } from '../datadir/index/index-types.ts';
import { RECORD_FIXED_SIZE } from '../store/records/datafile.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { decodeStored } from '../store/records/stored-bytes.ts';
import type { Store } from '../store/store.ts';
import type { BucketIndex } from './bucket-index.ts';
import type { BucketLayout, WantedRecord } from './bucket-layout.ts';
import type { LocalIndex } from './local-index.ts';
import { kindOfPack } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';

/** Blocks per window of a read, octets of their records, and the number of windows read concurrently. */
const WINDOW_COUNT = 8192;
const WINDOW_SIZE = 4 * 1024 * 1024;
const WINDOWS_AHEAD = 8;

/** The parts of {@link BucketReads}. */
export interface BucketReadsParts {
  readonly client: S3Client;
  readonly hash: HashFunction;
  readonly local: LocalIndex;
  readonly index: BucketIndex;
  readonly layout: BucketLayout;
  /** The cache of metadata on this machine. */
  readonly kept: Pick<Store, 'get' | 'addBatch'>;
  /** Called with the digest of a Block that is damaged in the bucket. */
  readonly onDamage: (digest: Uint8Array) => void;
}

/** Reads Blocks from packs. */
export class BucketReads {
  readonly #parts: BucketReadsParts;
  #isRebuilt = false;
  #passesBy = false;

  constructor(parts: BucketReadsParts) {
    this.#parts = parts;
  }

  async get(hashcode: HashCode, options: OpOptions): Promise<Uint8Array | undefined> {
    const { layout, kept } = this.#parts;
    const pending = layout.uploads.find(hashcode.digest);
    const record = await (pending && layout.uploads.record(hashcode.digest, options));
    if (pending !== undefined && record !== undefined) {
      const found = this.#verified(hashcode, record.subarray(record.length - pending.storedSize), pending);
      if (found === undefined)
        throw new CorruptBlockError(hashcodeLabel(hashcode), this.#parts.client.name, 'the bytes that were added do not match');
      return found;
    }
    const location = await this.#locate(hashcode.digest, options);
    if (location === undefined) return undefined;
    if (kindOfPack(location.file) === 'd') return await this.#read(hashcode, location, options);
    const near = this.#passesBy ? undefined : await this.keptHere(hashcode);
    if (near !== undefined) return near;
    const found = await this.#read(hashcode, location, options);
    // A Block that cannot be cached is just read again.
    if (found !== undefined) await kept.addBatch([{ digest: hashcode.digest, data: found }]).catch(() => undefined);
    return found;
  }

  /** Runs an action that bypasses the cache on this machine. */
  async passingBy<T>(action: () => Promise<T>): Promise<T> {
    const before = this.#passesBy;
    this.#passesBy = true;
    try {
      return await action();
    } finally {
      this.#passesBy = before;
    }
  }

  /** Gets a Block from the cache on this machine. */
  async keptHere(hashcode: HashCode): Promise<Uint8Array | undefined> {
    return await this.#parts.kept.get(hashcode).catch(() => undefined);
  }

  /** Finds the location of a Block; loads index segments as needed. */
  async #locate(digest: Uint8Array, options: OpOptions): Promise<Location | undefined> {
    const { index, local } = this.#parts;
    return local.get(digest) ?? (await index.find(() => local.get(digest), options));
  }

  async #read(hashcode: HashCode, location: Location, options: OpOptions): Promise<Uint8Array | undefined> {
    const { client, layout } = this.#parts;
    const { digest } = hashcode;
    const first = await layout.stored(digest, location, options);
    const found = first === undefined ? undefined : this.#verified(hashcode, first, location);
    if (found !== undefined) return found;
    // Read it once more, not from cached ranges: the fault may be in the transfer.
    const again = await layout.storedAgain(digest, location, options);
    if (again === undefined) return await this.#moved(hashcode, location, options);
    const second = this.#verified(hashcode, again, location);
    if (second !== undefined) return second;
    this.#parts.onDamage(digest);
    throw new CorruptBlockError(
      hashcodeLabel(hashcode),
      `${client.name}/${layout.keyOf(digest, location)}`,
      `the stored bytes do not match, at byte ${location.offset}`,
      {
        remedy: 'put the same data again, or pull it from a peer',
      },
    );
  }

  /** Gets a Block whose pack gc has removed: needed Blocks are in another pack. */
  async #moved(hashcode: HashCode, from: Location, options: OpOptions): Promise<Uint8Array | undefined> {
    const { index, local } = this.#parts;
    const elsewhere = (): Location | undefined => {
      const found = local.get(hashcode.digest);
      return found === undefined || found.file === from.file ? undefined : found;
    };
    await index.read(options);
    let found = elsewhere();
    if (found === undefined && !this.#isRebuilt) {
      // The Block may be in two packs, and the local index may name the removed one.
      this.#isRebuilt = true;
      local.reset();
      await index.read(options);
      found = elsewhere();
    }
    return found === undefined ? undefined : await this.#read(hashcode, found, options);
  }

  /** A Block's octets, which the caller may keep; undefined if they do not match the digest. */
  #verified(
    { digest }: HashCode,
    stored: Buffer,
    { codec, size, storedSize }: Pick<Location, 'codec' | 'size' | 'storedSize'>,
  ): Uint8Array | undefined {
    if (stored.length !== storedSize) return undefined;
    const data = decodeStored(stored, codec, size);
    if (data === undefined || Buffer.compare(this.#parts.hash.digest(data), digest) !== 0) return undefined;
    // A view would keep the memory of the whole range.
    return codec === 'none' ? Uint8Array.prototype.slice.call(data) : data;
  }

  /** Yields records in the order of `digests`. @see RecordSource */
  async *records(
    digests: Uint8Array,
    spans: ArrayLike<number> | undefined,
    options: OpOptions,
  ): AsyncGenerator<RecordBatch, void, undefined> {
    const { digestSize } = this.#parts.hash;
    const count = digests.length / digestSize;
    const ahead: Promise<readonly RecordBatch[]>[] = [];
    for (let first = 0; first < count || ahead.length > 0; ) {
      while (first < count && ahead.length < WINDOWS_AHEAD) {
        const start = first;
        for (let size = 0; first < count && first - start < WINDOW_COUNT; first++) {
          size += RECORD_FIXED_SIZE + digestSize + (spans?.[first] ?? WINDOW_SIZE / 128);
          if (first > start && size > WINDOW_SIZE) break;
        }
        const batches = this.#window(digests.subarray(start * digestSize, first * digestSize), options);
        batches.catch(() => undefined); // reported where it is awaited
        ahead.push(batches);
      }
      for (const batch of (await ahead.shift()) ?? []) if (batch.count > 0) yield batch;
    }
  }

  /** Reads one window of records. To find out why a Block is left out, get it alone. */
  async #window(digests: Uint8Array, options: OpOptions): Promise<readonly RecordBatch[]> {
    const { hash, layout, local } = this.#parts;
    const wanted: WantedRecord[] = [];
    for (let at = 0; at < digests.length; at += hash.digestSize) {
      const digest = digests.subarray(at, at + hash.digestSize);
      const pending = layout.uploads.find(digest);
      const record = pending && (await layout.uploads.record(digest, options));
      const place = pending && record ? { ...pending, record } : (local.get(digest) ?? (await this.#locate(digest, options)));
      if (place !== undefined) wanted.push({ digest, place });
    }
    return await layout.records(wanted, options);
  }
}
