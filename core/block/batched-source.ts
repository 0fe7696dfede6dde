import type { BlockSource } from './block-source.ts';
import { digestKey } from './digest-key.ts';
import type { HashCode } from './hashcode.ts';

/** Gets Blocks. The result has for each its verified bytes, undefined if no Store has it, or the error. */
export type FetchBlocks = (hashcodes: readonly HashCode[]) => Promise<readonly (Uint8Array | Error | undefined)[]>;

/** Maximum Blocks per request. */
const MAX_BATCH = 2048;

interface Waiting {
  readonly resolve: (data: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A source that combines requests for single Blocks into batches. Requests within one turn of the event loop are fetched together, at
 * most {@link MAX_BATCH} at once. So a walk of many branches costs one round trip per level, not one per Block.
 */
export class BatchedSource implements BlockSource {
  readonly name: string;
  readonly #fetch: FetchBlocks;
  #hashcodes: HashCode[] = [];
  #waiting = new Map<string, Waiting[]>();
  #isScheduled = false;
  /** Batches fetched so far. */
  batches = 0;

  constructor(name: string, fetch: FetchBlocks) {
    this.name = name;
    this.#fetch = fetch;
  }

  async get(hashcode: HashCode): Promise<Uint8Array | undefined> {
    return await new Promise((resolve, reject) => {
      const key = digestKey(hashcode.digest);
      const known = this.#waiting.get(key);
      if (known !== undefined) {
        known.push({ resolve, reject });
        return;
      }
      this.#waiting.set(key, [{ resolve, reject }]);
      this.#hashcodes.push(hashcode);
      if (this.#hashcodes.length >= MAX_BATCH) this.#send();
      else if (!this.#isScheduled) {
        this.#isScheduled = true;
        setImmediate(() => {
          this.#isScheduled = false;
          this.#send();
        });
      }
    });
  }

  #send(): void {
    const hashcodes = this.#hashcodes;
    const waiting = this.#waiting;
    if (hashcodes.length === 0) return;
    this.#hashcodes = [];
    this.#waiting = new Map();
    this.batches++;
    this.#fetch(hashcodes).then(
      (found) => {
        for (const [index, hashcode] of hashcodes.entries()) {
          const data = found[index];
          for (const { resolve, reject } of waiting.get(digestKey(hashcode.digest)) ?? []) {
            if (data instanceof Error) reject(data);
            else resolve(data);
          }
        }
      },
      (error: unknown) => {
        for (const all of waiting.values()) for (const { reject } of all) reject(error);
      },
    );
  }
}
