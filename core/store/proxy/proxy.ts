import { ClosedError, CorruptBlockError, ReadOnlyError, throwIfCancelled, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import type { EdgeSettings } from '../../block/edge-settings.ts';
import type { HashFunction, HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import { hashcodeLabel } from '../../block/hashcode.ts';
import { addOne } from '../add-one.ts';
import { AddTally } from '../add-tally.ts';
import type { BlockLocation } from '../block-location.ts';
import type { AddCounts, DrainResult, StorePart } from '../capabilities.ts';
import { capability, type Offers } from '../capability.ts';
import { checkBlocks } from '../check-blocks.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { unpackRecords } from '../records/record-batch.ts';
import type { AddResult, Store } from '../store.ts';
import { mergeHashcodes } from './merge-hashcodes.ts';
import { ProxyArchives } from './proxy-archives.ts';
import { ProxyCopies } from './proxy-copies.ts';
import { locateAmong } from './proxy-locations.ts';
import { proxyOffers } from './proxy-offers.ts';
import { isFault, SavePart } from './proxy-part.ts';
import { Spool } from './proxy-spool.ts';
import type { ProxyStores } from './proxy-stores.ts';

/** Options of {@link ProxyStore}. */
export interface ProxyOptions {
  readonly name: string;
  /** Maximum octets of Blocks that may wait in one spool. */
  readonly maxSpoolBytes: number;
  readonly onNotice: (notice: string) => void;
  /** A monotonic clock in milliseconds. */
  readonly nowMs: () => number;
}

/** Combines several Stores into one. @see vt(7), "Proxies" */
export class ProxyStore implements Store {
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  readonly offers: Offers;
  readonly #hash: HashFunction;
  readonly #stores: ProxyStores;
  readonly #onNotice: (notice: string) => void;
  readonly #parts: readonly SavePart[];
  readonly #spools: readonly Spool[];
  /** Stores that are read before `read2`. */
  readonly #first: readonly Store[];
  readonly #all: readonly Store[];
  /** All Stores that may have Blocks. */
  readonly #sources: readonly Store[];
  readonly #archives: ProxyArchives;
  readonly #copies: ProxyCopies;
  readonly #tally = new AddTally();
  readonly #told = new Set<string>();
  #closed = false;

  /** @param stores - all with the same hash function. @throws {TypeError} if there is none to save to or to read from */
  constructor(stores: ProxyStores, options: ProxyOptions) {
    const { save, read, save2, read2, copy2 } = stores;
    const [main] = [...save, ...read, ...read2];
    if (main === undefined) throw new TypeError(`open Store "${options.name}": a proxy needs a Store to save to or to read from`);
    this.name = options.name;
    this.hashName = main.hashName;
    this.edges = main.edges;
    this.#hash = hashByName(main.hashName);
    this.#stores = stores;
    this.#onNotice = options.onNotice;
    this.#parts = save.map((store) => new SavePart(store, options.nowMs, save2.length > 0));
    this.#spools = save2.map((store) => new Spool(store, options.maxSpoolBytes));
    // Stores of `save` are read too, even if `read` does not list them; those in `read2` are read with `read2`.
    this.#first = [...new Set([...read, ...save.filter((store) => !read2.includes(store)), ...save2])];
    this.#all = [...new Set([...this.#first, ...read2, ...copy2])];
    this.#sources = [...new Set([...this.#first, ...read2])];
    this.#copies = new ProxyCopies(copy2, this.#hash, (store, error) =>
      this.#tell(`Store "${store.name}" keeps no copies: ${error instanceof Error ? error.message : String(error)}`),
    );
    this.#archives = new ProxyArchives(stores, (notice) => this.#tell(notice));
    this.offers = proxyOffers(this, stores, this.#archives, { sources: this.#sources, all: this.#all });
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    return await addOne(this, this.#hash, data, options);
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('add to', options);
    if (this.#parts.length === 0) throw new ReadOnlyError('add to', this.name, { remedy: 'give it a Store to save to' });
    checkBlocks(blocks, this.#hash, this.name);
    // A Store may fail after the caller has reused its memory, so the spool needs a copy.
    const kept = this.#spools.length > 0 ? blocks.map(copyOf) : blocks;
    const sizes = blocks.map(({ data }) => data.length);
    return Array.from(
      await this.#addAll(
        sizes,
        async (part) => await part.addBatch(blocks, options),
        () => kept,
        options,
      ),
      Boolean,
    );
  }

  async addRecords(batch: RecordBatch, options: OpOptions = {}): Promise<Uint8Array> {
    this.#check('add to', options);
    if (this.#parts.length === 0) throw new ReadOnlyError('add to', this.name, { remedy: 'give it a Store to save to' });
    const mustCopy = this.#spools.length > 0 && batch.isOwned !== true;
    const kept = mustCopy ? { ...batch, digests: Uint8Array.from(batch.digests), image: Uint8Array.from(batch.image) } : batch;
    return await this.#addAll(
      batch.sizes,
      async (part) => await part.addRecords(batch, options),
      () => unpackRecords(kept, this.#hash.digestSize),
      options,
    );
  }

  /** Calls `add` for every Store to save to. Blocks that one of them does not accept go to the spool. */
  async #addAll(
    sizes: ArrayLike<number>,
    add: (part: SavePart) => Promise<ArrayLike<boolean | number>>,
    kept: () => readonly DigestedBlock[],
    options: OpOptions,
  ): Promise<Uint8Array> {
    const isNew = new Uint8Array(sizes.length);
    const take = (found: ArrayLike<boolean | number>): void => {
      for (let i = 0; i < isNew.length; i++) if (found[i]) isNew[i] = 1;
    };
    const hasSpool = this.#spools.length > 0;
    const started = this.#parts.map(async (part) => (part.rests && hasSpool ? undefined : await add(part)));
    const outcomes = await Promise.allSettled(started);
    throwIfCancelled(options.signal);
    const failed: { readonly part: SavePart; readonly error: unknown }[] = [];
    let spools = false;
    for (const [i, outcome] of outcomes.entries()) {
      const part = this.#parts[i];
      if (part === undefined) continue;
      if (outcome.status === 'rejected') failed.push({ part, error: outcome.reason });
      else if (outcome.value === undefined) spools = true;
      else take(outcome.value);
    }
    for (const { part, error } of failed) await this.#takeOver(part, error, 'add to', options);
    if (spools || failed.length > 0) take(await this.#spool(kept(), options));
    for (let i = 0; i < isNew.length; i++) {
      const size = sizes[i] as number;
      if (isNew[i] === 1) this.#tally.addNew(size, size);
      else this.#tally.addExisting(size);
    }
    return isNew;
  }

  /** Puts the unflushed Blocks of a failed Store into the spool. Without a spool, throws the Store's error. */
  async #takeOver(part: SavePart, error: unknown, action: string, options: OpOptions): Promise<void> {
    if (!isFault(error) || this.#spools.length === 0) throw this.#named(error, action, part.store);
    this.#tell(
      `Store "${part.store.name}" fails (${error instanceof Error ? error.message : String(error)}): what goes there waits in the spool`,
    );
    const lost: DigestedBlock[] = [];
    for (const digest of part.unflushed) {
      const data = await this.#readAnywhere({ hashName: this.hashName, digest }, options);
      if (data === undefined) throw this.#named(error, action, part.store);
      lost.push({ digest, data });
    }
    if (lost.length > 0) await this.#spool(lost, options);
    part.forgetUnflushed();
  }

  async #spool(blocks: readonly DigestedBlock[], options: OpOptions): Promise<boolean[]> {
    let failure: unknown;
    for (const spool of this.#spools) {
      try {
        return await spool.add(blocks, options);
      } catch (error) {
        throwIfCancelled(options.signal);
        failure ??= this.#named(error, 'add to', spool.store);
      }
    }
    throw failure;
  }

  async #readAnywhere(hashcode: HashCode, options: OpOptions): Promise<Uint8Array | undefined> {
    for (const store of this.#first) {
      try {
        const data = await store.get(hashcode, options);
        if (data !== undefined) return data;
      } catch (error) {
        throwIfCancelled(options.signal);
        if (!isFault(error)) throw error;
      }
    }
    return undefined;
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    this.#check('get from', options);
    const failures: unknown[] = [];
    const first = await this.#getFrom(this.#first, hashcode, options, failures);
    if (first !== undefined) return first;
    const found = await this.#getFrom(this.#stores.read2, hashcode, options, failures);
    if (found !== undefined) {
      await this.#copies.keep(hashcode.digest, found, options);
      this.#check('get from', options);
      return found;
    }
    // A Block only counts as missing if every Store has answered so.
    if (failures.length > 0) throw failures.find((failure) => failure instanceof CorruptBlockError) ?? failures[0];
    return undefined;
  }

  async #getFrom(stores: readonly Store[], hashcode: HashCode, options: OpOptions, failures: unknown[]): Promise<Uint8Array | undefined> {
    for (const store of stores) {
      try {
        const data = await store.get(hashcode, options);
        if (data === undefined) continue;
        if (Buffer.compare(hashByName(hashcode.hashName).digest(data), hashcode.digest) === 0) return data;
        failures.push(new CorruptBlockError(hashcodeLabel(hashcode), store.name, 'its bytes do not match the hashcode'));
      } catch (error) {
        this.#check('get from', options);
        if (!isFault(error)) throw error;
        failures.push(error instanceof CorruptBlockError ? error : this.#named(error, `get Block ${hashcodeLabel(hashcode)} from`, store));
      }
    }
    return undefined;
  }

  async has(hashcodes: readonly HashCode[], options: OpOptions = {}): Promise<boolean[]> {
    this.#check('ask', options);
    const found = hashcodes.map(() => false);
    // A Block that one of the Stores to save to lacks must be added, even if others have it.
    const saves = new Set(this.#stores.save);
    const lacking = hashcodes.map(() => saves.size);
    let failure: unknown;
    let answers = 0;
    // A cache may drop a Block at any time, so it is only asked if there is no other Store to ask.
    const mayDrop = (store: Store): boolean => !saves.has(store) && capability(store, 'access')?.drops === true;
    const all = [...new Set([...this.#sources, ...saves])];
    for (const store of [...all.filter((one) => !mayDrop(one)), ...all.filter(mayDrop)]) {
      if (answers > 0 && mayDrop(store)) break;
      const open = hashcodes.flatMap((hashcode, i) => (found[i] === true ? [] : [{ hashcode, i }]));
      if (open.length === 0 && answers > 0) break;
      try {
        const present = await store.has(
          open.map(({ hashcode }) => hashcode),
          options,
        );
        answers++;
        for (const [k, { i }] of open.entries()) {
          if (present[k] !== true) continue;
          if (saves.has(store)) lacking[i] = (lacking[i] ?? 0) - 1;
          if (!saves.has(store) || lacking[i] === 0) found[i] = true;
        }
      } catch (error) {
        this.#check('ask', options);
        if (!isFault(error)) throw error;
        failure ??= this.#named(error, 'ask', store);
      }
    }
    if (answers === 0) throw failure;
    return found;
  }

  async flush(options: OpOptions = {}): Promise<void> {
    this.#check('flush', options);
    await this.#flush(options);
  }

  async #flush(options: OpOptions): Promise<void> {
    const due = this.#parts.filter((part) => !(part.rests && this.#spools.length > 0));
    const outcomes = await Promise.allSettled(due.map(async (part) => await part.flush(options)));
    throwIfCancelled(options.signal);
    for (const [i, outcome] of outcomes.entries()) {
      const part = due[i];
      if (outcome.status === 'rejected' && part !== undefined) await this.#takeOver(part, outcome.reason, 'flush', options);
    }
    for (const { store } of this.#spools) {
      try {
        await store.flush(options);
      } catch (error) {
        throw this.#named(error, 'flush', store);
      }
    }
  }

  counts(): AddCounts {
    return this.#tally.counts();
  }

  locate(digests: readonly Uint8Array[], spans?: readonly number[]): (BlockLocation | undefined)[] {
    if (this.#closed) throw new ClosedError('locate in', this.name);
    return locateAmong(this.#first, this.#stores.read2, this.#copies, digests, spans);
  }

  hashcodes(options: OpOptions = {}): AsyncIterable<HashCode> {
    this.#check('list', options);
    return mergeHashcodes(this.#sources, options, () => this.#check('list', options));
  }

  async parts(options: OpOptions = {}): Promise<readonly StorePart[]> {
    this.#check('ask', options);
    const out: StorePart[] = [];
    for (const { store, trouble } of this.#parts) out.push({ role: 'save', store, ...(trouble === undefined ? {} : { trouble }) });
    for (const store of this.#stores.read) out.push({ role: 'read', store });
    for (const spool of this.#spools) out.push({ role: 'save2', store: spool.store, waiting: await spool.waiting(options) });
    for (const store of this.#stores.read2) out.push({ role: 'read2', store });
    for (const store of this.#stores.copy2) out.push({ role: 'copy2', store });
    return out;
  }

  async drain(options: OpOptions = {}): Promise<DrainResult> {
    this.#check('flush', options);
    let deliveredBlocks = 0;
    let deliveredBytes = 0;
    let waitingBlocks = 0;
    const troubles: string[] = [];
    for (const part of this.#parts) part.tryAgain();
    // Record roots first: gc removes nothing while a root lacks Blocks.
    await this.#archives.catchUp(options);
    for (const spool of this.#spools) {
      try {
        await spool.drain(this.#parts, options, (blocks, bytes) => {
          deliveredBlocks += blocks;
          deliveredBytes += bytes;
        });
      } catch (error) {
        this.#check('flush', options);
        if (!isFault(error)) throw error;
        troubles.push(error instanceof Error ? error.message : String(error));
      }
      const { blocks } = await spool.waiting(options);
      waitingBlocks += blocks;
      if (blocks > 0 && troubles.length === 0) troubles.push(`${blocks} of the Blocks in Store "${spool.store.name}" cannot be read`);
    }
    this.#told.clear();
    return { deliveredBlocks, deliveredBytes, waitingBlocks, troubles };
  }

  #named(error: unknown, action: string, store: Store): unknown {
    if (!(error instanceof Error) || !isFault(error)) return error;
    const { code, remedy } = error instanceof VtError ? error : { code: 'EFAILED' as const, remedy: undefined };
    return new VtError(code, `${action} Store "${store.name}" of a proxy: ${error.message}`, {
      cause: error,
      ...(remedy === undefined ? {} : { remedy }),
    });
  }

  #tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#onNotice(notice);
  }

  #check(action: string, options: OpOptions): void {
    if (this.#closed) throw new ClosedError(action, this.name);
    throwIfCancelled(options.signal);
  }

  /** Closes every Store, then throws the first failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#copies.settled();
    let failure: { readonly error: unknown } | undefined;
    for (const store of this.#all) {
      try {
        await store[Symbol.asyncDispose]();
      } catch (error) {
        failure ??= { error: this.#named(error, 'close', store) };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}

function copyOf({ digest, data, ...rest }: DigestedBlock): DigestedBlock {
  return { digest: Uint8Array.from(digest), data: Uint8Array.from(data), ...rest };
}
