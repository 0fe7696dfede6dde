import { throwIfCancelled, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DigestedBlock } from '../../block/block-target.ts';
import { digestKey, digestOfKey } from '../../block/digest-key.ts';
import type { HashCode } from '../../block/hashcode.ts';
import { capability } from '../capability.ts';
import type { Store } from '../store.ts';
import type { SavePart } from './proxy-part.ts';
import { isFault } from './proxy-part.ts';

/** Maximum Blocks, and octets of them, sent in one batch. */
const DRAIN_BLOCKS = 256;
const DRAIN_BYTES = 4 * 1024 * 1024;

/**
 * A Store in which Blocks wait for another Store that failed. Every Block in it waits, unless its cache has a mark that the Block has
 * arrived. So no other state is needed to find the waiting Blocks after a crash. A lost mark only costs one request to the
 * other Store.
 */
export class Spool {
  readonly store: Store;
  readonly #maxBytes: number;
  /** Waiting Blocks with their sizes in octets; undefined before the first use. */
  #waiting: Map<string, number> | undefined;
  #bytes = 0;
  #counting: Promise<Map<string, number>> | undefined;

  /** @param maxBytes - maximum octets of waiting Blocks */
  constructor(store: Store, maxBytes: number) {
    this.store = store;
    this.#maxBytes = maxBytes;
  }

  /** Counts the waiting Blocks and their octets. The first call lists the Store. */
  async waiting(options: OpOptions): Promise<{ readonly blocks: number; readonly bytes: number }> {
    const { size } = await this.#count(options);
    return { blocks: size, bytes: this.#bytes };
  }

  async #count(options: OpOptions): Promise<Map<string, number>> {
    if (this.#waiting !== undefined) return this.#waiting;
    this.#counting ??= this.#list(options).finally(() => {
      this.#counting = undefined;
    });
    return await this.#counting;
  }

  async #list(options: OpOptions): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    let bytes = 0;
    for await (const hashcode of capability(this.store, 'enumeration')?.hashcodes(options) ?? []) {
      if (this.#hasArrived(hashcode.digest)) continue;
      const size = await this.#sizeOf(hashcode, options);
      found.set(digestKey(hashcode.digest), size);
      bytes += size;
    }
    this.#bytes = bytes;
    this.#waiting = found;
    return found;
  }

  async #sizeOf(hashcode: HashCode, options: OpOptions): Promise<number> {
    const known = capability(this.store, 'location')?.locate([hashcode.digest])[0]?.size;
    if (known !== undefined) return known;
    try {
      return (await this.store.get(hashcode, options))?.length ?? 0;
    } catch (error) {
      throwIfCancelled(options.signal);
      if (!isFault(error)) throw error;
      return 0; // reported when it should be sent
    }
  }

  /** Adds Blocks. @returns for each whether it is new here. @throws {VtError} EFAILED if more than `maxBytes` would wait */
  async add(blocks: readonly DigestedBlock[], options: OpOptions): Promise<boolean[]> {
    const waiting = await this.#count(options);
    let more = 0;
    for (const { digest, data } of blocks) if (!waiting.has(digestKey(digest))) more += data.length;
    if (this.#bytes + more > this.#maxBytes) {
      throw new VtError('EFAILED', `add to Store "${this.store.name}": ${this.#bytes} of at most ${this.#maxBytes} bytes wait in it`, {
        remedy: 'when the Store that they wait for works again, run flush; or give a larger maxspool',
      });
    }
    const isNew = await this.store.addBatch(blocks, options);
    for (const { digest, data } of blocks) {
      const key = digestKey(digest);
      if (waiting.has(key)) continue;
      if (this.#hasArrived(digest)) capability(this.store, 'cache')?.put(markKey(digest), NO_MARK);
      waiting.set(key, data.length);
      this.#bytes += data.length;
    }
    return isNew;
  }

  /**
   * Sends waiting Blocks to Stores, and marks those that are durable in all of them.
   *
   * @param onArrival - called with the number of Blocks and octets of each batch that has arrived
   * @throws the error of a Store, or ECANCELLED; Blocks that arrived before are marked
   */
  async drain(parts: readonly SavePart[], options: OpOptions, onArrival: (blocks: number, bytes: number) => void): Promise<void> {
    const waiting = await this.#count(options);
    for (let batch = await this.#next(waiting, 0, options); ; ) {
      if (batch.blocks.length === 0) break;
      for (const part of parts) {
        const hashcodes = batch.blocks.map(({ digest }) => ({ hashName: this.store.hashName, digest }));
        const present = await part.store.has(hashcodes, options);
        const missing = batch.blocks.filter((_, i) => present[i] !== true);
        if (missing.length > 0) await part.addBatch(missing, options);
        await part.flush(options);
      }
      let bytes = 0;
      for (const { digest, data } of batch.blocks) {
        capability(this.store, 'cache')?.put(markKey(digest), MARK);
        waiting.delete(digestKey(digest));
        this.#bytes -= data.length;
        bytes += data.length;
      }
      onArrival(batch.blocks.length, bytes);
      batch = await this.#next(waiting, batch.skipped, options);
    }
    await this.store.flush(options);
  }

  /** Reads the next Blocks to send. @param skipped - number of unreadable Blocks at the front */
  async #next(
    waiting: ReadonlyMap<string, number>,
    skipped: number,
    options: OpOptions,
  ): Promise<{ readonly blocks: readonly DigestedBlock[]; readonly skipped: number }> {
    const blocks: DigestedBlock[] = [];
    let bytes = 0;
    let unreadable = skipped;
    let at = 0;
    for (const key of waiting.keys()) {
      if (at++ < skipped) continue;
      throwIfCancelled(options.signal);
      if (blocks.length >= DRAIN_BLOCKS || bytes >= DRAIN_BYTES) break;
      const digest = digestOfKey(key);
      const data = await this.#read(digest, options);
      if (data === undefined) {
        if (blocks.length > 0) break;
        unreadable++;
        continue;
      }
      blocks.push({ digest, data });
      bytes += data.length;
    }
    return { blocks, skipped: unreadable };
  }

  async #read(digest: Uint8Array, options: OpOptions): Promise<Uint8Array | undefined> {
    try {
      return await this.store.get({ hashName: this.store.hashName, digest }, options);
    } catch (error) {
      throwIfCancelled(options.signal);
      if (!isFault(error)) throw error;
      return undefined;
    }
  }

  #hasArrived(digest: Uint8Array): boolean {
    return (capability(this.store, 'cache')?.get(markKey(digest))?.length ?? 0) > 0;
  }
}

const MARK = Buffer.from('1');
/** The value that cancels a mark: the Block waits again. */
const NO_MARK = Buffer.alloc(0);
const MARK_PREFIX = Buffer.from('spool-arrived\0');

function markKey(digest: Uint8Array): Uint8Array {
  return Buffer.concat([MARK_PREFIX, digest]);
}
