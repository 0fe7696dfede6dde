import type { OpOptions } from '../base/op-options.ts';
import type { DigestedBlock } from '../block/block-target.ts';
import { digestKey } from '../block/digest-key.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { AddResult, Store } from '../store/store.ts';

/** A filter in front of a Store that passes on only needed Blocks. An import into it searches local files for them. */
export class NeededStore implements Store {
  readonly name: string;
  readonly hashName: Store['hashName'];
  readonly edges: EdgeSettings;
  readonly #below: Store;
  readonly #needed: ReadonlyMap<string, HashCode>;
  readonly #onFound: (digest: Uint8Array) => void;

  /**
   * @param below - receives the needed Blocks
   * @param needed - the needed Blocks, by {@link digestKey}
   * @param onFound - called with each Block that was passed on
   */
  constructor(below: Store, needed: ReadonlyMap<string, HashCode>, onFound: (digest: Uint8Array) => void) {
    this.name = below.name;
    this.hashName = below.hashName;
    this.edges = below.edges;
    this.#below = below;
    this.#needed = needed;
    this.#onFound = onFound;
  }

  async add(data: Uint8Array, options: OpOptions = {}): Promise<AddResult> {
    const { hashcodeOf } = await import('../block/hashcode.ts');
    const hashcode = hashcodeOf(this.hashName, data);
    await this.addBatch([{ digest: hashcode.digest, data }], options);
    return { hashcode, isNew: true };
  }

  async addBatch(blocks: readonly DigestedBlock[], options: OpOptions = {}): Promise<boolean[]> {
    const wanted = blocks.filter(({ digest }) => this.#needed.has(digestKey(digest)));
    if (wanted.length > 0) {
      await this.#below.addBatch(wanted, options);
      for (const { digest } of wanted) this.#onFound(digest);
    }
    return blocks.map(() => true);
  }

  async get(hashcode: HashCode, options: OpOptions = {}): Promise<Uint8Array | undefined> {
    return await this.#below.get(hashcode, options);
  }

  async has(hashcodes: readonly HashCode[]): Promise<boolean[]> {
    return await Promise.resolve(hashcodes.map(() => false));
  }

  async flush(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
