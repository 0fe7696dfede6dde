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

/** Blocks, and octets of their records, that are asked for together; and how many times as many are on their way at once. */
const WINDOW_COUNT = 8192;
const WINDOW_SIZE = 4 * 1024 * 1024;
const WINDOWS_AHEAD = 8;

export interface BucketReadsParts {
  readonly client: S3Client;
  readonly hash: HashFunction;
  readonly local: LocalIndex;
  readonly index: BucketIndex;
  readonly layout: BucketLayout;
  /** Metadata that this machine has kept. */
  readonly kept: Pick<Store, 'get' | 'addBatch'>;
  /** Told of a Block that is damaged where it lies. */
  readonly onDamage: (digest: Uint8Array) => void;
}

/** Gets Blocks out of packs. */
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
    // What this machine cannot keep is read again.
    if (found !== undefined) await kept.addBatch([{ digest: hashcode.digest, data: found }]).catch(() => undefined);
    return found;
  }

  /** Runs something for which all is read from the bucket, also what this machine has kept. */
  async passingBy<T>(action: () => Promise<T>): Promise<T> {
    const before = this.#passesBy;
    this.#passesBy = true;
    try {
      return await action();
    } finally {
      this.#passesBy = before;
    }
  }

  /** A Block that this machine has kept. */
  async keptHere(hashcode: HashCode): Promise<Uint8Array | undefined> {
    return await this.#parts.kept.get(hashcode).catch(() => undefined);
  }

  /** Where a Block lies. What tells of it is read when it is needed. */
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
    // Once more, and not out of what was got before: the way may be at fault.
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

  /** A pack is gone: gc has removed it, and what was needed of it lies elsewhere. */
  async #moved(hashcode: HashCode, from: Location, options: OpOptions): Promise<Uint8Array | undefined> {
    const { index, local } = this.#parts;
    const elsewhere = (): Location | undefined => {
      const found = local.get(hashcode.digest);
      return found === undefined || found.file === from.file ? undefined : found;
    };
    await index.read(options);
    let found = elsewhere();
    if (found === undefined && !this.#isRebuilt) {
      // It may lie in two packs, and the local index may name the one that is gone.
      this.#isRebuilt = true;
      local.reset();
      await index.read(options);
      found = elsewhere();
    }
    return found === undefined ? undefined : await this.#read(hashcode, found, options);
  }

  /** A Block's octets, the caller's to keep; undefined where they are not what they should be. */
  #verified(
    { digest }: HashCode,
    stored: Buffer,
    { codec, size, storedSize }: Pick<Location, 'codec' | 'size' | 'storedSize'>,
  ): Uint8Array | undefined {
    if (stored.length !== storedSize) return undefined;
    const data = decodeStored(stored, codec, size);
    if (data === undefined || Buffer.compare(this.#parts.hash.digest(data), digest) !== 0) return undefined;
    // A view would hold all that was got with it.
    return codec === 'none' ? Uint8Array.prototype.slice.call(data) : data;
  }

  /** Blocks as records, in the order asked for. @see RecordSource */
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
        batches.catch(() => undefined); // told where it is waited for
        ahead.push(batches);
      }
      for (const batch of (await ahead.shift()) ?? []) if (batch.count > 0) yield batch;
    }
  }

  /** Records of Blocks that are asked for together. Whoever wants to know why some are left out asks for them. */
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
