import { ClosedError, CorruptBlockError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import { digestKey, digestOfKey } from '../block/digest-key.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import { DEFAULT_HASH_NAME, hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { addOne } from './add-one.ts';
import { AddTally } from './add-tally.ts';
import type { AddCounts, LocalCache } from './capabilities.ts';
import type { Offers } from './capability.ts';
import { checkBlocks } from './check-blocks.ts';
import type { AddResult, Store } from './store.ts';

/** Default maximum octets of Blocks in a memory Store. */
const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;

/** Options of {@link MemoryStore}. */
export interface MemoryStoreOptions {
  readonly hashName?: HashName;
  readonly edges?: EdgeSettings;
  /** Maximum octets of Blocks; further adds fail. Default 512 MiB. */
  readonly maxBytes?: number;
  readonly name?: string;
}

/** A Store in memory, which is lost when the process ends. */
export class MemoryStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly cache: LocalCache;
  readonly offers: Offers;
  readonly #hash: HashFunction;
  readonly #maxBytes: number;
  readonly #blocks = new Map<string, Uint8Array>();
  readonly #tally = new AddTally();
  readonly #cached = new Map<string, Uint8Array>();
  #cachePuts: [string, Uint8Array][] = [];
  #bytes = 0;
  #closed = false;

  constructor(options: MemoryStoreOptions = {}) {
    this.name = options.name ?? 'memory:';
    this.hashName = options.hashName ?? DEFAULT_HASH_NAME;
    this.edges = options.edges ?? DEFAULT_EDGES;
    this.#hash = hashByName(this.hashName);
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.cache = {
      get: (key) => this.#cached.get(digestKey(key)),
      put: (key, value) => {
        this.#cachePuts.push([digestKey(key), Uint8Array.from(value)]);
      },
    };
    this.offers = { cache: this.cache, counts: this, enumeration: this };
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    return await addOne(this, this.#hash, data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('add to', options);
    checkBlocks(blocks, this.#hash, this.name);
    const isNew: boolean[] = [];
    for (const { digest, data } of blocks) {
      const key = digestKey(digest);
      const found = this.#blocks.has(key);
      isNew.push(!found);
      if (found) this.#tally.addExisting(data.length);
      else this.#keep(key, data);
    }
    return Promise.resolve(isNew);
  }

  #keep(key: string, data: Uint8Array): void {
    if (this.#bytes + data.length > this.#maxBytes) {
      throw new VtError('EFAILED', `add to Store "${this.name}": it holds ${this.#bytes} of at most ${this.#maxBytes} bytes`, {
        remedy: 'use a datadir',
      });
    }
    this.#blocks.set(key, Uint8Array.from(data));
    this.#bytes += data.length;
    this.#tally.addNew(data.length, data.length);
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    if (hashcode.hashName !== this.hashName) return undefined;
    const found = this.#blocks.get(digestKey(hashcode.digest));
    if (found !== undefined && Buffer.compare(this.#hash.digest(found), hashcode.digest) !== 0) {
      throw new CorruptBlockError(hashcodeLabel(hashcode), this.name, 'the bytes that were added do not match the hashcode');
    }
    return Promise.resolve(found);
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    return Promise.resolve(hashcodes.map(({ hashName, digest }) => hashName === this.hashName && this.#blocks.has(digestKey(digest))));
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    for (const [key, value] of this.#cachePuts) this.#cached.set(key, value);
    this.#cachePuts = [];
    return Promise.resolve();
  }

  counts(): AddCounts {
    return this.#tally.counts();
  }

  async *hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    this.#check('list', options);
    for (const key of [...this.#blocks.keys()].sort()) {
      this.#check('list', options);
      yield await Promise.resolve({ hashName: this.hashName, digest: digestOfKey(key) });
    }
  }

  #check(action: string, options: OpOptions): void {
    if (this.#closed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#blocks.clear();
    return Promise.resolve();
  }
}
