import { VtError } from '../base/errors.ts';
import { octetsToText } from '../base/octets.ts';
import { DigestTable } from '../block/digest-table.ts';
import type { Store } from '../store/store.ts';
import { isReadable } from './is-readable.ts';
import { Reach } from './reach.ts';
import type { NeededRoot, RootsOptions } from './roots.ts';
import type { StoreView } from './store-view.ts';

/** Bytes of a digest that are kept: a false match keeps a Block that nobody needs, and does no other harm. */
const KEPT_OCTETS = 8;

export interface GcMarkOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (state: { readonly roots: number; readonly entries: number; readonly blocks: number }) => void;
}

/** The Blocks that the roots of a Store reach, by the names that they have where they are. Memory: some 15 bytes a Block. */
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
   * @param rootsOf - every root that is needed: those of the archives
   * @throws {VtError} EPERM where the Store is sealed, and no key opens it
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
          // It stays as it is. What it might have listed can be read by nobody, whatever is kept of it.
          if (hashcode !== undefined) this.#marks.set(nameOf(hashcode.digest));
          this.#unreadable.add(`"${octetsToText(path)}" in ${this.#at.place}: ${reason}`);
          return;
        }
        // What is below it is unknown, and would count as needed by nobody.
        throw new VtError('ECORRUPT', `gc: "${octetsToText(path)}" in ${this.#at.place}: a Block that lists others is ${fault}`, {
          remedy: `nothing was removed; repair the Store first, or remove the root: ${this.#at.letGo}`,
        });
      },
    });
  }

  /** How many Blocks are marked. */
  get count(): number {
    return this.#marks.count;
  }

  /** What cannot be read, with its path, its root and the reason. */
  get unreadable(): readonly string[] {
    return [...this.#unreadable];
  }

  /** How many roots the last walk went over. */
  get roots(): number {
    return this.#roots;
  }

  /**
   * Marks what the roots reach. A second walk reads only what the first did not.
   *
   * @throws {VtError} ECORRUPT where a root, or what lists others below it, cannot be read
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
      // Of what was merged not all need be here: a state that was pushed names it.
      for (const merged of root.merged)
        if (await isReadable(this.#store, merged, { signal: this.#options.signal })) await this.#reach.walk(merged);
      this.#options.onProgress?.({ roots: ++this.#roots, entries: this.#reach.entries, blocks: this.#marks.count });
    }
  }

  /**
   * Refuses to let everything go: a Store without a root is more often one whose archive was lost than one that nobody needs.
   *
   * @throws {VtError} EFAILED where no archive has a root
   */
  requireRoot(): void {
    if (this.#roots > 0) return;
    throw new VtError('EFAILED', 'gc: no archive has a root, so everything would be freed; nothing was removed', {
      remedy: 'restore a lost archive; gc --rootless frees everything',
    });
  }

  /** Whether a Block is reached. */
  has(digest: Uint8Array): boolean {
    return this.#marks.has(digest);
  }
}
