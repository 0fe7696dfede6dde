import { VtError } from '../base/errors.ts';
import { octetsToText } from '../base/octets.ts';
import { DigestTable } from '../block/digest-table.ts';
import type { Store } from '../store/store.ts';
import { isReadable } from './is-readable.ts';
import { Reach } from './reach.ts';
import type { NeededRoot, RootsOptions } from './roots.ts';
import type { StoreView } from './store-view.ts';

/** Bytes kept of each digest. A false match only keeps a Block that nobody needs. */
const KEPT_OCTETS = 8;

export interface GcMarkOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (state: { readonly roots: number; readonly entries: number; readonly blocks: number }) => void;
}

/** The Blocks that the roots of a Store reach, by their names in the Store below. Memory: about 15 bytes per Block. */
export class GcMarks {
  readonly #store: Store;
  readonly #rootsOf: (options: RootsOptions) => AsyncIterable<NeededRoot>;
  readonly #options: GcMarkOptions;
  readonly #marks = new DigestTable(KEPT_OCTETS);
  readonly #reach: Reach;
  #at: Pick<NeededRoot, 'place' | 'letGo'> = { place: '', letGo: '' };
  #roots = 0;
  readonly #unreadable = new Set<string>();

  /**
   * @param view - the Store, and the Store below with its Blocks
   * @param rootsOf - gives every needed root: those of the archives
   * @throws {VtError} EPERM if the Store is sealed and was opened without its key
   */
  constructor({ store, nameOf }: StoreView, rootsOf: (options: RootsOptions) => AsyncIterable<NeededRoot>, options: GcMarkOptions) {
    if (store.hashName === 'sealed')
      throw new VtError('EPERM', `gc "${store.name}": the Store is sealed, and without its key the needed Blocks are not known`, {
        remedy: `open it with its key, as sealed:KEYFILE:${store.name}; nothing was removed`,
      });
    this.#store = store;
    this.#rootsOf = rootsOf;
    this.#options = options;
    this.#reach = new Reach(store, {
      signal: options.signal,
      leaf: ({ digest }) => {
        this.#marks.set(nameOf(digest));
        return undefined;
      },
      inner: ({ digest }) => void this.#marks.set(nameOf(digest)),
      harm: ({ path, fault, hashcode, reason, isMalformed }) => {
        if (isMalformed === true) {
          // Keep the malformed Block itself. Nobody can read what it listed.
          if (hashcode !== undefined) this.#marks.set(nameOf(hashcode.digest));
          this.#unreadable.add(`"${octetsToText(path)}" in ${this.#at.place}: ${reason}`);
          return;
        }
        // Everything below it is unknown and would seem unneeded.
        throw new VtError('ECORRUPT', `gc: "${octetsToText(path)}" in ${this.#at.place}: a Block that lists others is ${fault}`, {
          remedy: `nothing was removed; repair the Store first, or remove the root: ${this.#at.letGo}`,
        });
      },
    });
  }

  /** The number of marked Blocks. */
  get count(): number {
    return this.#marks.count;
  }

  /** The malformed Blocks, each as text with path, root and reason. */
  get unreadable(): readonly string[] {
    return [...this.#unreadable];
  }

  /** The number of roots in the last walk. */
  get roots(): number {
    return this.#roots;
  }

  /**
   * Marks the Blocks that the roots reach. A second walk reads only what the first did not.
   *
   * @throws {VtError} ECORRUPT if a root, or an inner Block below it, is missing or damaged
   */
  async walk(): Promise<void> {
    this.#roots = 0;
    const onDamage = (damage: { readonly archive: string; readonly line: number; readonly reason: string }): void => {
      throw new VtError(
        'ECORRUPT',
        `gc: archive "${damage.archive}" line ${damage.line}: ${damage.reason}; the Blocks that its root needs are unknown`,
        {
          remedy: 'nothing was removed; correct the line, or remove it together with its root',
        },
      );
    };
    for await (const root of this.#rootsOf({ signal: this.#options.signal, onDamage })) {
      this.#at = root;
      await this.#reach.walk(root.dirent);
      // A merged state may be incomplete here: a pushed state only names it.
      for (const merged of root.merged)
        if (await isReadable(this.#store, merged, { signal: this.#options.signal })) await this.#reach.walk(merged);
      this.#options.onProgress?.({ roots: ++this.#roots, entries: this.#reach.entries, blocks: this.#marks.count });
    }
  }

  /**
   * Refuses to remove everything: a Store without a root has more often lost its archive than become useless.
   *
   * @throws {VtError} EFAILED if no archive has a root
   */
  requireRoot(): void {
    if (this.#roots > 0) return;
    throw new VtError('EFAILED', 'gc: no archive has a root, so everything would be freed; nothing was removed', {
      remedy: 'restore a lost archive; gc --rootless frees everything',
    });
  }

  /** Whether a Block is marked. */
  has(digest: Uint8Array): boolean {
    return this.#marks.has(digest);
  }
}
