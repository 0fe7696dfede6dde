import { MissingBlockError, throwIfCancelled, VtError } from '../base/errors.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashFunction } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { capability } from '../store/capability.ts';
import type { RecordBatch } from '../store/records/record-batch.ts';
import { packRecords, unpackRecords } from '../store/records/record-batch.ts';
import type { Store } from '../store/store.ts';
import { BlockList } from '../sync/block-list.ts';
import type { NameMap } from './name-map.ts';
import { RecordRehasher } from './record-rehasher.ts';
import type { RecordRun } from './record-runs.ts';
import { recordRuns } from './record-runs.ts';

/** Minimum octets of Blocks that are requested together, if as many are wanted. */
const GATHERED_SIZE = 4 * 1024 * 1024;
/** Number of concurrent batches of some 1 MiB. */
const PARALLEL = 8;
/** Blocks fetched concurrently if there are no records. */
const GET_AT_ONCE = 64;

interface Request {
  readonly list: BlockList;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gives the Blocks of contents their new names: reads, verifies, hashes and adds many at a time. A transition in place adds nothing: the
 * Blocks stay where they are, and a sweep of the data files has named most of them.
 */
export class LeafNames implements AsyncDisposable {
  readonly #source: Store;
  readonly #target: Store;
  readonly #from: HashFunction;
  readonly #to: HashFunction;
  readonly #map: NameMap;
  readonly #signal: AbortSignal | undefined;
  readonly #rehasher: RecordRehasher;
  readonly #isInPlace: boolean;
  /** Whether the records at the located places so far had the Store's hash function and were whole. */
  #areOwn = true;
  readonly #onDone: (blocks: number, bytes: number) => void;
  #requests: Request[] = [];
  #isDue = false;

  constructor(
    stores: { readonly source: Store; readonly target: Store },
    map: NameMap,
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly isInPlace: boolean;
      readonly onDone: (blocks: number, bytes: number) => void;
    },
  ) {
    this.#source = stores.source;
    this.#target = stores.target;
    this.#from = hashByName(stores.source.hashName);
    this.#to = hashByName(stores.target.hashName);
    this.#map = map;
    this.#signal = options.signal;
    this.#onDone = options.onDone;
    this.#isInPlace = options.isInPlace;
    this.#rehasher = new RecordRehasher(this.#from, this.#to, { digestsOnly: options.isInPlace });
  }

  /**
   * Resolves with the new digests of Blocks of content, concatenated, once the Blocks are in the target.
   *
   * @throws {MissingBlockError} and {CorruptBlockError} for an unavailable Block
   */
  async digestsOf(list: BlockList): Promise<Uint8Array> {
    const size = this.#to.digestSize;
    const found = new Uint8Array(list.count * size);
    const lacking = await this.#fill(list, found);
    if (lacking.count === 0) return found;
    await this.#ask(lacking);
    const rest = await this.#fill(list, found);
    if (rest.count === 0) return found;
    // Records leave out unavailable Blocks: reading each by itself gives the reason.
    await this.#each(rest);
    if ((await this.#fill(list, found)).count > 0) throw new VtError('EFAILED', 'transition: a Block was added and has no name');
    return found;
  }

  /** Fills in known digests. @returns the other Blocks */
  async #fill(list: BlockList, found: Uint8Array): Promise<BlockList> {
    const size = this.#to.digestSize;
    const lacking = new BlockList(this.#from.digestSize);
    const doubtful: { readonly index: number; readonly hashcode: HashCode }[] = [];
    for (let i = 0; i < list.count; i++) {
      const leaf = this.#map.leaf(list.digest(i));
      if (leaf !== undefined) {
        found.set(leaf, i * size);
        continue;
      }
      const name = this.#nameOf(list.digest(i), list.span(i));
      if (name?.isWhole === true) found.set(name.hashcode.digest, i * size);
      else if (name === undefined) lacking.add(list.digest(i), list.span(i));
      else doubtful.push({ index: i, hashcode: name.hashcode });
    }
    if (doubtful.length === 0) return lacking;
    const asked = doubtful.map(({ index, hashcode }) =>
      this.#isInPlace ? { hashName: this.#from.name, digest: list.digest(index) } : hashcode,
    );
    const areThere = await (this.#isInPlace ? this.#source : this.#target).has(asked, { signal: this.#signal });
    for (const [i, { index, hashcode }] of doubtful.entries())
      if (areThere[i] === true) found.set(hashcode.digest, index * size);
      else lacking.add(list.digest(index), list.span(index));
    return lacking;
  }

  #nameOf(digest: Uint8Array, span: number): { readonly hashcode: HashCode; readonly isWhole: boolean } | undefined {
    const found = this.#map.get('bytes', { kind: 'hash', span, hashcode: { hashName: this.#from.name, digest } });
    return found?.ref.kind === 'hash' ? { hashcode: found.ref.hashcode, isWhole: found.isWhole } : undefined;
  }

  /** Combines all requests of one pass of the event loop. */
  async #ask(list: BlockList): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#requests.push({ list, resolve, reject });
    });
    if (!this.#isDue) {
      this.#isDue = true;
      setImmediate(() => {
        this.#isDue = false;
        this.#run();
      });
    }
    await done;
  }

  #run(): void {
    for (let requests = this.#requests.splice(0); requests.length > 0; ) {
      let bytes = 0;
      let count = 0;
      while (count < requests.length && bytes < GATHERED_SIZE) bytes += requests[count++]?.list.bytes ?? 0;
      const some = requests.slice(0, count);
      requests = requests.slice(count);
      this.#rename(joined(some, this.#from.digestSize)).then(
        () => {
          for (const { resolve } of some) resolve();
        },
        (error: unknown) => {
          for (const { reject } of some) reject(error);
        },
      );
    }
  }

  async #rename(wanted: BlockList): Promise<void> {
    const list = this.#areOwn ? await this.#renameWhereTheyLie(wanted) : wanted;
    if (list.count === 0) return;
    const source = capability(this.#source, 'recordSource');
    if (source === undefined) {
      await this.#each(list);
      return;
    }
    const underWay = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    try {
      for await (const batch of source.records(list.digests(), list.spans(), { signal: this.#signal })) {
        if (failure !== undefined) break;
        const work = this.#add(batch)
          .catch((error: unknown) => {
            // One of them is damaged: reading each by itself shows which.
            if (!(error instanceof VtError && (error.code === 'ECORRUPT' || error.code === 'EPARSE'))) failure ??= { error };
          })
          .finally(() => underWay.delete(work));
        underWay.add(work);
        while (underWay.size >= PARALLEL) await Promise.race(underWay);
      }
    } catch (error) {
      if (!(error instanceof VtError && error.code === 'ECORRUPT')) throw error;
    } finally {
      await Promise.all(underWay);
    }
    if (failure !== undefined) throw failure.error;
  }

  /** Lets workers read the records of Blocks that are contiguous in local data files. @returns the other Blocks */
  async #renameWhereTheyLie(list: BlockList): Promise<BlockList> {
    const location = capability(this.#source, 'location');
    if (location === undefined) return list;
    const digests = Array.from({ length: list.count }, (_, i) => list.digest(i));
    const spans = list.spans();
    const located = location.locate(digests, spans === undefined ? undefined : [...spans]);
    const isDone = new Set<number>();
    const one = async ({ path, offset, size, indexes }: RecordRun): Promise<void> => {
      const done = await this.#rehasher.rehashIn({ path, offset, size, count: indexes.length }, async ({ before, batch }) => {
        const asked = Buffer.concat(indexes.map((index) => list.digest(index)));
        if (asked.compare(before) !== 0) return;
        await this.#take(before, batch);
        for (const index of indexes) isDone.add(index);
      });
      if (done === 'wrong') this.#areOwn = false;
    };
    const works = recordRuns(located, this.#from).map(one);
    await Promise.allSettled(works);
    await Promise.all(works);
    throwIfCancelled(this.#signal);
    const rest = new BlockList(this.#from.digestSize);
    for (let i = 0; i < list.count; i++) if (!isDone.has(i)) rest.add(list.digest(i), list.span(i));
    return rest;
  }

  async #add(batch: RecordBatch): Promise<void> {
    const image = Buffer.from(batch.image.buffer, batch.image.byteOffset, batch.image.byteLength);
    await this.#rehasher.rehash(image, batch.count, this.#source.name, async ({ before, batch: renamed }) => {
      await this.#take(before, renamed);
    });
    batch.release?.();
  }

  /** Adds Blocks under their new names, and notes the names. */
  async #take(before: Uint8Array, renamed: RecordBatch): Promise<void> {
    const sink = capability(this.#target, 'recordSink');
    if (this.#isInPlace) throwIfCancelled(this.#signal);
    else if (sink !== undefined) await sink.addRecords(renamed, { signal: this.#signal });
    else await this.#target.addBatch(unpackRecords(renamed, this.#to.digestSize), { signal: this.#signal });
    const { count, digests, sizes } = renamed;
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += sizes[i] as number;
    this.#map.addLeaves({ count, before, after: digests, sizes });
    this.#onDone(count, bytes);
  }

  async #each(list: BlockList): Promise<void> {
    const hashcodes = list.hashcodes(this.#from.name);
    for (let first = 0; first < hashcodes.length; first += GET_AT_ONCE) {
      throwIfCancelled(this.#signal);
      const blocks = await Promise.all(
        hashcodes.slice(first, first + GET_AT_ONCE).map(async (hashcode) => {
          const data = await this.#source.get(hashcode, { signal: this.#signal });
          if (data === undefined) throw new MissingBlockError(hashcodeLabel(hashcode), this.#source.name);
          return { digest: hashcode.digest, data };
        }),
      );
      const compression = capability(this.#target, 'recordSink')?.compression ?? 'none';
      await this.#add(packRecords(blocks, this.#from, compression));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rehasher[Symbol.asyncDispose]();
  }
}

/** Joins lists into one, each Block once. */
function joined(requests: readonly Request[], digestSize: number): BlockList {
  const [only] = requests;
  if (only !== undefined && requests.length === 1) return only.list;
  const seen = new Set<string>();
  const out = new BlockList(digestSize);
  for (const { list } of requests)
    for (let i = 0; i < list.count; i++) {
      const key = digestKey(list.digest(i));
      if (seen.has(key)) continue;
      seen.add(key);
      out.add(list.digest(i), list.span(i));
    }
  return out;
}
