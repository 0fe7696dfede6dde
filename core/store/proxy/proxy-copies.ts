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

/** Blocks that may wait: with our leaves some 200 MB of content, which a cache takes in a fraction of a second. */
const MAX_WAITING = 16_384;

/** Blocks that are copied at once. */
const COPIED_AT_ONCE = 1024;

/**
 * Keeps in `copy2` what is read from `read2`. A Block that was fetched is kept at once. A Block whose place
 * in a local file a caller got is read once more in the background, many together: it is in the system's memory then.
 */
export class ProxyCopies {
  readonly #targets: readonly Store[];
  readonly #hash: HashFunction;
  readonly #onTrouble: (store: Store, error: unknown) => void;
  /** Digests as keys, and the Store that has the Block. */
  readonly #waiting = new Map<string, Store>();
  #running: Promise<void> | undefined;

  /** @param targets - the Stores of `copy2` */
  constructor(targets: readonly Store[], hash: HashFunction, onTrouble: (store: Store, error: unknown) => void) {
    this.#targets = targets;
    this.#hash = hash;
    this.#onTrouble = onTrouble;
  }

  /** Keeps a Block that was fetched. */
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

  /** How many more Blocks may wait. A caller with more must fetch them, which takes as long as storing them. */
  get room(): number {
    return this.#targets.length === 0 ? Number.POSITIVE_INFINITY : MAX_WAITING - this.#waiting.size;
  }

  /** Whether Blocks of a Store can be kept without being fetched. */
  canKeepOf(store: Store): boolean {
    return this.#targets.length === 0 || (this.room > 0 && capability(store, 'recordSource') !== undefined);
  }

  /** Blocks whose place somebody was told are kept soon. @param store - the Store that has them */
  keepLocated(store: Store, digests: readonly Uint8Array[]): void {
    if (this.#targets.length === 0) return;
    for (const digest of digests) this.#waiting.set(digestKey(digest), store);
    if (this.#waiting.size > 0) this.#running ??= this.#run();
  }

  /** Resolves once all that waits is kept. It never fails. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await using checker = new RecordChecker(this.#hash);
    // The caller that got the places reads first.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.size > 0) {
      const [source] = this.#waiting.values();
      if (source === undefined) break;
      const digests = this.#take(source);
      for (const target of this.#targets) {
        try {
          await this.#copy(source, target, digests, checker);
        } catch (error) {
          // Nothing is lost: what is not kept is fetched again.
          if (isFault(error)) this.#onTrouble(target, error);
        }
      }
    }
    this.#running = undefined;
  }

  /** The next Blocks that a Store has. */
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
    // A cache forgets what it finds damaged, since every reader of a Block verifies it.
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
