import { throwIfCancelled } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import type { HashFunction } from '../../block/hash.ts';
import type { HashCode } from '../../block/hashcode.ts';
import { capability } from '../capability.ts';
import type { RecordBatch } from '../records/record-batch.ts';
import { unpackRecords } from '../records/record-batch.ts';
import { RecordChecker } from '../records/record-checker.ts';
import type { Store } from '../store.ts';
import { isFault } from './proxy-part.ts';

/** Maximum number of waiting Blocks. With our leaf sizes that is some 200 MB, which a cache stores in a fraction of a second. */
const MAX_WAITING = 16_384;

/** Blocks copied in one batch. */
const COPIED_AT_ONCE = 1024;

/**
 * Copies Blocks that are read from `read2` to `copy2`. A fetched Block is copied at once. A Block whose place in a local file
 * was returned to a caller is read again in the background, in batches: it is in the page cache then.
 */
export class ProxyCopies {
  readonly #targets: readonly Store[];
  readonly #hash: HashFunction;
  readonly #onTrouble: (store: Store, error: unknown) => void;
  /** Blocks to copy: digest keys, and the Store that has the Block. */
  readonly #waiting = new Map<string, Store>();
  #running: Promise<void> | undefined;

  /** @param targets - the Stores of `copy2` */
  constructor(targets: readonly Store[], hash: HashFunction, onTrouble: (store: Store, error: unknown) => void) {
    this.#targets = targets;
    this.#hash = hash;
    this.#onTrouble = onTrouble;
  }

  /** Copies a Block that was fetched. */
  async keep(digest: Uint8Array, data: Uint8Array, options: OpOptions): Promise<void> {
    for (const target of this.#targets) {
      try {
        await target.addBatch([{ digest, data }], options);
      } catch (error) {
        throwIfCancelled(options.signal);
        this.#onTrouble(target, error);
      }
    }
  }

  /** How many more Blocks may wait. With more, the caller must fetch them, which limits it to the speed of copying. */
  get room(): number {
    return this.#targets.length === 0 ? Number.POSITIVE_INFINITY : MAX_WAITING - this.#waiting.size;
  }

  /** Whether Blocks of a Store can be copied in the background. */
  canKeepOf(store: Store): boolean {
    return this.#targets.length === 0 || (this.room > 0 && capability(store, 'recordSource') !== undefined);
  }

  /** Queues Blocks whose places were returned to a caller. @param store - the Store that has them */
  keepLocated(store: Store, digests: readonly Uint8Array[]): void {
    if (this.#targets.length === 0) return;
    for (const digest of digests) this.#waiting.set(digestKey(digest), store);
    if (this.#waiting.size > 0) this.#running ??= this.#run();
  }

  /** Resolves once all queued Blocks were copied. It never rejects. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await using checker = new RecordChecker(this.#hash);
    // Let the caller that got the places read first.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.size > 0) {
      const [source] = this.#waiting.values();
      if (source === undefined) break;
      const digests = this.#take(source);
      for (const target of this.#targets) {
        try {
          await this.#copy(source, target, digests, checker);
        } catch (error) {
          // Nothing is lost: a Block without a copy is fetched again.
          if (isFault(error)) this.#onTrouble(target, error);
        }
      }
    }
    this.#running = undefined;
  }

  /** Takes the next queued Blocks of a Store. */
  #take(source: Store): readonly HashCode[] {
    const taken: HashCode[] = [];
    for (const [key, store] of this.#waiting) {
      if (store !== source || taken.length === COPIED_AT_ONCE) break;
      this.#waiting.delete(key);
      taken.push({ hashName: this.#hash.name, digest: digestOfKey(key) });
    }
    return taken;
  }

  async #copy(from: Store, to: Store, hashcodes: readonly HashCode[], checker: RecordChecker): Promise<void> {
    const isThere = await to.has(hashcodes);
    const wanted = hashcodes.filter((_, i) => isThere[i] !== true).map(({ digest }) => digest);
    const source = capability(from, 'recordSource');
    if (wanted.length === 0 || source === undefined) return;
    const sink = capability(to, 'recordSink');
    // A cache needs no verification here: every reader verifies a Block, and the cache drops damaged ones.
    const isChecked = sink?.checksRecords === true || capability(to, 'access')?.drops === true;
    for await (const batch of source.records(Buffer.concat(wanted))) {
      if (!isChecked) await checker.check(imageOf(batch), batch.count, from.name);
      if (sink === undefined) await to.addBatch(unpackRecords(batch, this.#hash.digestSize));
      else await sink.addRecords(batch);
      batch.release?.();
    }
  }
}

function imageOf({ image }: RecordBatch): Buffer {
  return Buffer.from(image.buffer, image.byteOffset, image.byteLength);
}
