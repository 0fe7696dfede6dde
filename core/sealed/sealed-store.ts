import { ClosedError, CorruptBlockError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { SEALED_OVERHEAD } from '../block/sealed-bytes.ts';
import { addOne } from '../store/add-one.ts';
import { AddTally } from '../store/add-tally.ts';
import type { AddCounts, BlockKeyOctets, Sealing, StorePart } from '../store/capabilities.ts';
import type { Offers } from '../store/capability.ts';
import { capability } from '../store/capability.ts';
import { checkBlocks } from '../store/check-blocks.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { unpackRecords } from '../store/records/record-batch.ts';
import type { AddResult, Store } from '../store/store.ts';
import type { KeyRing } from './key-ring.ts';
import { openBlock, sealBlocks, sealedNames, sealRecords } from './seal-blocks.ts';
import type { SealKeys } from './seal-keys.ts';
import { sealedOffers } from './sealed-offers.ts';

/** The parts of a sealed Store. */
export interface SealedStoreParts {
  readonly name: string;
  /** The Store of the sealed Blocks; its hash function is `sealed`. */
  readonly below: Store;
  /** The hash function of the contents. */
  readonly hashName: HashName;
  /** The keys; if the Store has none yet, the keys that it will get. */
  readonly keys: SealKeys;
  /** Whether the Store has the keys already. */
  readonly isMade: boolean;
  /** Reads and writes the key slots in the Store below. */
  readonly ring: KeyRing;
  /** Creates the Store below, and the keys. */
  readonly make: (options: OpOptions) => Promise<SealKeys>;
}

/**
 * Encrypts the contents, names and archives that it keeps in another Store. That untrusted Store only learns sizes, counts and times.
 *
 * @see docs/design/sealed.md
 */
export class SealedStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly offers: Offers;
  readonly compression = 'none';
  readonly checksRecords = false;
  /** Reads and writes the key slots in the Store below. */
  readonly ring: KeyRing;
  readonly #below: Store;
  readonly #hash: HashFunction;
  readonly #make: (options: OpOptions) => Promise<SealKeys>;
  readonly #tally = new AddTally();
  #memory: Buffer = Buffer.alloc(0);
  readonly #candidate: SealKeys;
  #keys: SealKeys | undefined;
  #making: Promise<SealKeys> | undefined;
  #isClosed = false;

  constructor({ name, below, hashName, keys, isMade, ring, make }: SealedStoreParts) {
    this.name = name;
    this.hashName = hashName;
    this.edges = below.edges;
    this.#below = below;
    this.#hash = hashByName(hashName);
    this.#candidate = keys;
    this.#keys = isMade ? keys : undefined;
    this.#make = make;
    this.ring = ring;
    this.offers = sealedOffers(this, below, () => this.#keys);
  }

  get isMade(): boolean {
    return this.#keys !== undefined;
  }

  async make(options: OpOptions = {}): Promise<void> {
    await this.#keysToWrite(options);
  }

  /** The keys for workers that seal, available even before the Store is created. */
  get blockKeys(): BlockKeyOctets {
    return (this.#keys ?? this.#candidate).octets;
  }

  /** How Blocks are sealed, and the Store below; undefined while there are no keys. */
  get sealing(): Sealing | undefined {
    const keys = this.#keys;
    return keys && { id: keys.id, below: this.#below, keys: keys.octets, names: (digests) => sealedNames(keys, digests) };
  }

  /** The Store of the sealed Blocks. */
  async parts(): Promise<readonly StorePart[]> {
    return await Promise.resolve([{ role: 'sealed in', store: this.#below }]);
  }

  async #keysToWrite(options: OpOptions): Promise<SealKeys> {
    if (this.#keys !== undefined) return this.#keys;
    this.#making ??= this.#make(options).finally(() => {
      this.#making = undefined;
    });
    this.#keys = await this.#making;
    return this.#keys;
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    return await addOne(this, this.#hash, data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('add to', options);
    checkBlocks(blocks, this.#hash, this.name);
    // The caller may reuse its memory as soon as this returns control.
    const copies = blocks.map(({ digest, data }) => ({ digest: Uint8Array.from(digest), data: Uint8Array.from(data) }));
    const keys = await this.#keysToWrite(options);
    this.#check('add to', options);
    const names = sealedNames(keys, Buffer.concat(copies.map(({ digest }) => digest)));
    const isKnown = await this.#below.has(hashcodesOf(names), options);
    const rest = copies.filter((_, i) => isKnown[i] !== true);
    const added = await this.#below.addBatch(sealBlocks(keys, rest), options);
    let next = 0;
    return copies.map(({ data }, i) => this.#count(isKnown[i] !== true && added[next++] === true, data.length));
  }

  async addRecords(batch: RecordBatch, options: OpOptions = {}): Promise<Uint8Array> {
    this.#check('add to', options);
    if (this.#keys === undefined) {
      // Creating keys is asynchronous, and the caller may reuse its memory meanwhile.
      const mine = { ...batch, digests: batch.digests.slice(), sealedAs: batch.sealedAs?.slice(), image: Uint8Array.from(batch.image) };
      await this.#keysToWrite(options);
      return await this.addRecords(mine, options);
    }
    if (batch.sealedAs !== undefined && this.#keys.id !== this.#candidate.id)
      throw new VtError('EFAILED', `add to "${this.name}": another session has just made it, with keys of its own`, {
        remedy: 'run the command again',
      });
    const sink = capability(this.#below, 'recordSink');
    if (sink === undefined) return Uint8Array.from(await this.addBatch(unpackRecords(batch, this.#hash.digestSize), options), Number);
    const sizes = batch.sizes.slice(0, batch.count);
    // Callers send records when most are new. Looking up the others first would cost a copy of all.
    const isNew = await sink.addRecords(this.#sealed(batch, this.#keys), options);
    for (let i = 0; i < isNew.length; i++) this.#count(isNew[i] === 1, sizes[i] as number);
    return isNew;
  }

  /** Records of sealed Blocks for the Store below: made by workers already, or made here. */
  #sealed(batch: RecordBatch, keys: SealKeys): RecordBatch {
    const { count, codecs, sealedAs, storedSizes, isListing } = batch;
    if (sealedAs !== undefined) return { ...batch, digests: sealedAs, sizes: storedSizes, sealedAs: undefined };
    const blocks = unpackRecords(batch, this.#hash.digestSize).map(({ data }) => data);
    const { names, sizes, image } = sealRecords(keys, blocks, batch.digests, (size) => this.#room(size));
    return { count, digests: names, sizes, storedSizes: sizes, codecs: codecs.slice().fill(0), image, isListing };
  }

  /** Memory for records, which the next call reuses, so the receiver must have finished. Allocation each time would be half of the cost. */
  #room(size: number): Buffer {
    if (this.#memory.length < size) this.#memory = Buffer.allocUnsafeSlow(2 * size);
    return this.#memory.subarray(0, size);
  }

  #count(isNew: boolean, size: number): boolean {
    if (isNew) this.#tally.addNew(size, size + SEALED_OVERHEAD);
    else this.#tally.addExisting(size);
    return isNew;
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    const keys = this.#keys;
    if (keys === undefined || hashcode.hashName !== this.hashName) return undefined;
    const name = sealedNames(keys, hashcode.digest);
    let sealed: Uint8Array | undefined;
    try {
      sealed = await this.#below.get({ hashName: 'sealed', digest: name }, options);
    } catch (error) {
      if (error instanceof CorruptBlockError) throw this.#corrupt(hashcode, 'its sealed bytes are damaged', error);
      throw error;
    }
    if (sealed === undefined) return undefined;
    const data = openBlock(keys, name, sealed);
    if (data === undefined) throw this.#corrupt(hashcode, 'its seal is broken: what is stored was not sealed by a key of this Store');
    if (Buffer.compare(this.#hash.digest(data), hashcode.digest) !== 0)
      throw this.#corrupt(hashcode, 'the bytes that were sealed do not match the hashcode');
    return data;
  }

  #corrupt(hashcode: HashCode, found: string, cause?: unknown): CorruptBlockError {
    return new CorruptBlockError(hashcodeLabel(hashcode), this.name, found, { cause });
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    const keys = this.#keys;
    if (keys === undefined) return hashcodes.map(() => false);
    const own = hashcodes.filter(({ hashName }) => hashName === this.hashName);
    const names = sealedNames(keys, Buffer.concat(own.map(({ digest }) => digest)));
    const found = await this.#below.has(hashcodesOf(names), options);
    let next = 0;
    return hashcodes.map(({ hashName }) => hashName === this.hashName && found[next++] === true);
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    await this.#below.flush(options);
  }

  counts(): AddCounts {
    return this.#tally.counts();
  }

  #check(action: string, options: OpOptions): void {
    if (this.#isClosed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#below[Symbol.asyncDispose]();
  }
}

function hashcodesOf(names: Uint8Array): HashCode[] {
  const size = hashByName('sealed').digestSize;
  return Array.from({ length: names.length / size }, (_, i) => ({
    hashName: 'sealed',
    digest: names.subarray(i * size, (i + 1) * size),
  }));
}
