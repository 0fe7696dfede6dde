import type { BlockSource } from './block-source.ts';
import { digestKey } from './digest-key.ts';
import type { HashCode } from './hashcode.ts';

/** Gets Blocks, for each its verified bytes, undefined where it is nowhere, or what is wrong with it. */
export type FetchBlocks = (hashcodes: readonly HashCode[]) => Promise<readonly (Uint8Array | Error | undefined)[]>;

/** Maximum Blocks per request. */
const MAX_BATCH = 2048;

interface Waiting {
  readonly resolve: (data: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A source that takes requests for single Blocks and requests many at once from its own source. What is wanted within one turn of
 * the event loop is fetched together. So a walk of many branches costs one round trip for each level rather than one for
 * each Block.
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
