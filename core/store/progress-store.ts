import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Capabilities, StoreProgress } from './capabilities.ts';
import { capability, type Offers } from './capability.ts';
import type { RecordBatch } from './records/record-batch.ts';
import type { AddResult, Store } from './store.ts';

/** Counts the Blocks added to and read from another Store. */
export class ProgressStore implements Store {
  readonly wraps: Store;
  readonly offers: Offers;
  #addBytes = 0;
  #addCount = 0;
  #getBytes = 0;
  #getCount = 0;
  #outstanding = 0;

  constructor(below: Store) {
    this.wraps = below;
    const { location, recordSink, recordSource } = this.#counted();
    this.offers = {
      progress: this,
      get location() {
        return capability(below, 'location') && location;
      },
      get recordSink() {
        return capability(below, 'recordSink') && recordSink;
      },
      get recordSource() {
        return capability(below, 'recordSource') && recordSource;
      },
    };
  }

  get name(): string {
    return this.wraps.name;
  }

  get hashName(): HashName {
    return this.wraps.hashName;
  }

  get edges(): EdgeSettings {
    return this.wraps.edges;
  }

  /** Counting wrappers for the capabilities that transfer Blocks besides `add` and `get`. */
  #counted(): Required<Pick<Capabilities, 'location' | 'recordSink' | 'recordSource'>> {
    const below = this.wraps;
    const given = (blocks: number, bytes: number): void => this.#given(blocks, bytes);
    return {
      location: {
        // Count it as a read: a caller that locates a Block reads it there.
        locate(digests, spans) {
          const found = capability(below, 'location')?.locate(digests, spans) ?? digests.map(() => undefined);
          for (const location of found) if (location !== undefined) given(1, location.size);
          return found;
        },
      },
      recordSink: {
        get compression() {
          return capability(below, 'recordSink')?.compression ?? 'none';
        },
        get checksRecords() {
          return capability(below, 'recordSink')?.checksRecords ?? false;
        },
        addRecords: async (batch, options) => await this.#addRecords(batch, options),
      },
      recordSource: {
        async *records(digests, spans, options) {
          for await (const batch of capability(below, 'recordSource')?.records(digests, spans, options) ?? []) {
            given(batch.count, sumOf(batch.sizes));
            yield batch;
          }
        },
      },
    };
  }

  /** The counts so far. */
  progress(): StoreProgress {
    return {
      addBytes: this.#addBytes,
      addCount: this.#addCount,
      getBytes: this.#getBytes,
      getCount: this.#getCount,
      outstanding: this.#outstanding,
    };
  }

  async add(data: Uint8Array, options?: OpOptions): Promise<AddResult> {
    return await this.#during(async () => {
      const size = data.length;
      const result = await this.wraps.add(data, options);
      this.#addBytes += size;
      this.#addCount++;
      return result;
    });
  }

  async addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    return await this.#during(async () => {
      const result = await this.wraps.addBatch(blocks, options);
      for (const { data } of blocks) this.#addBytes += data.length;
      this.#addCount += blocks.length;
      return result;
    });
  }

  async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    return await this.#during(async () => {
      const data = await this.wraps.get(hashcode, options);
      if (data !== undefined) this.#given(1, data.length);
      return data;
    });
  }

  async has(hashcodes: readonly HashCode[], options?: OpOptions): Promise<boolean[]> {
    return await this.#during(async () => await this.wraps.has(hashcodes, options));
  }

  async flush(options?: OpOptions): Promise<void> {
    await this.#during(async () => await this.wraps.flush(options));
  }

  async #addRecords(batch: RecordBatch, options: OpOptions | undefined): Promise<Uint8Array> {
    const { count, sizes } = batch;
    const bytes = sumOf(sizes);
    return await this.#during(async () => {
      const sink = capability(this.wraps, 'recordSink');
      if (sink === undefined) throw new TypeError(`Store "${this.name}" takes no records`);
      const isNew = await sink.addRecords(batch, options);
      this.#addBytes += bytes;
      this.#addCount += count;
      return isNew;
    });
  }

  #given(blocks: number, bytes: number): void {
    this.#getCount += blocks;
    this.#getBytes += bytes;
  }

  async #during<T>(action: () => Promise<T>): Promise<T> {
    this.#outstanding++;
    try {
      return await action();
    } finally {
      this.#outstanding--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.wraps[Symbol.asyncDispose]();
  }
}

function sumOf(sizes: Uint32Array): number {
  let sum = 0;
  for (const size of sizes) sum += size;
  return sum;
}
